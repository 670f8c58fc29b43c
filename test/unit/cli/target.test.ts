import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findTarget } from '../../../src/cli/target.js';

describe('where the command line finds the relay of this machine', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-target-'));
  mkdirSync(join(dir, 'admin'));
  writeFileSync(join(dir, 'admin/token'), 'token-of-this-machine\n');
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const target = (which: 'public' | 'admin', switches: Record<string, string>, env: Record<string, string>): ReturnType<typeof findTarget> =>
    findTarget(which, { found: new Map(), switches: new Map(Object.entries(switches)), operands: [] }, { env: { RELAY_DATA_DIR: dir, ...env }, isTerminal: false, print: () => undefined, printError: () => undefined });
  const operators = { RELAY_ADMIN_TOKEN: 'token-of-the-operator' };

  it('sends the token of the running relay, else the one of the operator, and to the admin address only', async () => {
    expect(await target('admin', {}, operators)).toMatchObject({ baseUrl: 'http://127.0.0.1:9090', token: 'token-of-this-machine' });
    expect(await target('admin', {}, { ...operators, RELAY_DATA_DIR: join(dir, 'elsewhere') })).toMatchObject({ token: 'token-of-the-operator' });
    expect(await target('admin', {}, { RELAY_DATA_DIR: join(dir, 'elsewhere') })).toMatchObject({ token: null });
    expect(await target('public', {}, operators)).toMatchObject({ token: null });
  });

  it('does not send to another machine what opens the relay of this one', async () => {
    expect(await target('admin', { url: 'http://localhost:7000/' }, {})).toMatchObject({ baseUrl: 'http://localhost:7000', token: 'token-of-this-machine' });
    expect(await target('admin', { url: 'https://relay.example' }, {})).toMatchObject({ token: null });
    expect(await target('admin', { url: 'https://relay.example' }, operators)).toMatchObject({ token: 'token-of-the-operator' });
  });
});
