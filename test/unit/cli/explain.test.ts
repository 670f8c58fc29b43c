import { describe, expect, it } from 'vitest';
import { OPERATOR_CODES } from '../../../src/cli/operator-codes.js';
import { ERRORS } from '../../../src/protocol/errors.js';
import { run } from './run-cli.js';

describe('relay explain', () => {
  it.each(Object.entries(ERRORS))('explains %s by name and number', async (name, row) => {
    const { code, out } = await run(['explain', name]);
    expect(code).toBe(0);
    expect(out).toContain(`${name} (${row.code})`);
    expect(out.replaceAll(/\s+/g, ' ')).toContain(row.hint);
    expect(out).toContain(row.temporary ? 'can succeed later' : 'fails again');
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect((await run(['explain', String(row.code)])).out).toBe(out);
    expect(JSON.parse((await run(['explain', name, '--json'])).out)).toEqual([{ name, ...row }]);
  });

  it('looks a status or close code up when it is no error', async () => {
    const names = async (text: string): Promise<string[]> => JSON.parse((await run(['explain', text, '--json'])).out).map(({ name }: { name: string }) => name);
    expect(await names('4403')).toEqual(['device_expired', 'device_revoked']);
    expect(await names('507')).toContain('disk_full');
    expect(await names('Disk-Full')).toEqual(['disk_full']);
  });

  it.each(Object.entries(OPERATOR_CODES))('explains %s, which has no number', async (name, row) => {
    const { code, out } = await run(['explain', name]);
    expect(code).toBe(0);
    expect(out.replaceAll(/\s+/g, ' ')).toContain(row.act);
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(JSON.parse((await run(['explain', name, '--json'])).out)).toEqual([{ name, ...row }]);
  });

  it('suggests what was meant', async () => {
    expect(await run(['explain', 'disk_ful'])).toMatchObject({ code: 2, err: 'relay: no error is called "disk_ful". Did you mean `relay explain disk_full`?' });
    expect(await run(['explain', '9999'])).toMatchObject({ code: 2, err: expect.stringContaining('docs/reference/errors.md') });
    expect(await run(['explain'])).toMatchObject({ code: 2, err: expect.stringContaining('needs an error') });
  });
});
