// The space commands against an admin API that answers as the contract says and remembers what it was asked.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from './run-cli.js';

const ROW = { pseudonym: 'abcdefghijklmnop', resident: true, entries: 3, sealedBytes: null, size: 5, floor: 3, head: null, devices: 2, connections: 1, lastUseMs: 1_700_000_000_000 };

describe('relay space list, show and erase', () => {
  let server: Server;
  let url: string;
  const asked: string[] = [];

  beforeEach(async () => {
    asked.length = 0;
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const path = request.url ?? '';
      const json = (status: number, body: unknown): void => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      if (path.includes('zzzz')) json(404, { code: 'space_unknown', detail: 'There is no such space.' });
      else if (path.includes('nobody')) json(401, { code: 'sign_in_required', detail: 'Sign in at /admin, or send a token.' });
      else if (request.method === 'DELETE') response.writeHead(204).end();
      else if (path.includes('?')) json(200, path.includes('after') ? { spaces: [{ ...ROW, pseudonym: 'qrstuvwxyz234567' }], next: null } : { spaces: [ROW], next: ROW.pseudonym });
      else json(200, { space: ROW, rosterVersion: 4, keyEpoch: 1, devices: [{ pseudonym: 'device2345672345', rights: 'write', acked: null }] });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  afterEach(() => server.close());

  it('lists every page', async () => {
    const { code, out } = await run(['space', 'list', '--url', url]);
    expect(code).toBe(0);
    expect(out).toMatch(/^SPACE +ENTRIES +SEALED BYTES/);
    expect(out).toMatch(/^abcdefghijklmnop +3 +\? +2 +1 +2023-11-14T22:13:20\.000Z$/m);
    expect(out).toMatch(/^qrstuvwxyz234567 /m);
    expect(asked).toEqual(['GET /admin/api/spaces?limit=100', 'GET /admin/api/spaces?limit=100&after=abcdefghijklmnop']);
    expect(JSON.parse((await run(['space', 'list', '--url', url, '--json'])).out)).toMatchObject({ spaces: [ROW, { pseudonym: 'qrstuvwxyz234567' }] });
  });

  it('shows one with its devices, and says when there is none', async () => {
    const { out } = await run(['space', 'show', 'abcdefghijklmnop', '--url', url]);
    for (const part of ['entries 3', 'sealedBytes not known', 'rosterVersion 4', 'device pseudonym device2345672345, rights write, acked not known']) expect(out).toContain(part);
    expect(await run(['space', 'show', 'zzzzzzzzzzzzzzzz', '--url', url])).toMatchObject({ code: 1, err: 'relay: the relay refused: There is no such space.' });
    expect(await run(['space', 'show', 'nope', '--url', url])).toMatchObject({ code: 2, err: 'relay: "nope" is no name of a space. Names are 16 letters and digits; `relay space list` shows them.' });
    expect(await run(['space', 'show', '--url', url])).toMatchObject({ code: 2, err: expect.stringContaining('a space is missing') });
  });

  it('takes the directory whose token opens the admin address, and says so where that does not', async () => {
    const hint = 'relay: the relay does not take the token of this machine. Name its data directory with --data-dir and run it as the user of the relay, or set RELAY_ADMIN_TOKEN_FILE.';
    const commands = [['space', 'list'], ['space', 'show', ROW.pseudonym], ['space', 'export', ROW.pseudonym], ['space', 'erase', ROW.pseudonym, '--yes'], ['foreign', 'list'], ['foreign', 'erase', ROW.pseudonym, '--yes'], ['admin-link'], ['reload']];
    for (const command of commands) {
      expect({ command, ...(await run([...command, '--data-dir', './elsewhere', '--url', `${url}/nobody`])) }).toMatchObject({ command, code: 1, err: hint });
    }
  });

  it('erases only what is meant', async () => {
    expect(await run(['space', 'erase', 'abcdefghijklmnop', '--url', url])).toMatchObject({ code: 2, err: expect.stringContaining('add --yes') });
    expect(asked).toEqual([]);
    expect(await run(['space', 'erase', 'abcdefghijklmnop', '--yes', '--url', url])).toMatchObject({ code: 0, out: expect.stringContaining('is erased') });
    expect(asked).toEqual(['DELETE /admin/api/spaces/abcdefghijklmnop']);
    expect((await run(['space', 'erase', 'zzzzzzzzzzzzzzzz', '--yes', '--url', url])).code).toBe(1);
  });
});
