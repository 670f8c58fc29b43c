// `relay serve --json` as a program that starts relays uses it: one line to read, and errors to read.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSpace } from '../../src/client/node.js';
import { CLI, ServeProcess } from '../support/serve-process.js';

interface Line {
  readonly event: string;
  readonly relayAddress: string;
  readonly publicKey: string;
  readonly port: number;
}

describe.skipIf(!existsSync(CLI))('a relay that is started by a program (needs `npm run build`)', () => {
  it('says in one line where it is, takes work by then, keeps its log out of it, and says in JSON why another one did not start', async () => {
    await using relay = new ServeProcess(['--json']);
    await expect.poll(() => relay.stdout.length, { timeout: 20_000 }).toBe(1);
    const told = JSON.parse(relay.stdout[0] ?? '') as Line;
    expect(told).toMatchObject({ event: 'listening', ready: true, pid: relay.child.pid, dataDir: join(relay.dir, 'data'), tls: false, host: '127.0.0.1' });
    expect(new URL(told.relayAddress).hash).toBe(`#k=${told.publicKey}`);
    expect((await fetch(`http://127.0.0.1:${told.port}/health/ready`)).status).toBe(200);
    const space = await createSpace({ relay: told.relayAddress, batchWindowMs: 0 });
    await space.push(new Uint8Array(10)).durable('relay');
    await space.close();
    // A first start has a link that signs in; who reads this line is not told it.
    expect(relay.stdout[0]).not.toContain('#link');
    await using other = new ServeProcess(['--json', '--port', String(told.port)]);
    expect(await other.ended).toMatchObject({ code: 1 });
    expect(other.stdout).toEqual([]);
    expect(JSON.parse(other.stderr.at(-1) ?? '')).toMatchObject({ error: { code: 'port_in_use', temporary: true } });

    relay.child.kill('SIGTERM');
    expect(await relay.ended).toEqual({ code: 0, signal: null });
    expect(relay.stdout).toHaveLength(1);
    expect(relay.stderr.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(expect.arrayContaining(['relay is listening', 'relay has stopped']));
  });
});
