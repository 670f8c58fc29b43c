import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createSpace } from '../../src/client/node.js';
import { VERSION } from '../../src/version.js';
import { CLI, ServeProcess } from '../support/serve-process.js';

describe.skipIf(!existsSync(CLI))('relay serve (needs `npm run build`)', () => {
  it('says in one JSON line where it is, and answers through the core', async () => {
    await using relay = new ServeProcess([]);
    const line = await relay.logLine('relay is listening');
    expect(line).toMatchObject({ durability: 'fsync', tls: 'off', version: VERSION });
    expect(relay.stdout).toHaveLength(1);
    const url = await relay.url();
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'ok', region: 'local', database: { status: 'ok' } });
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    expect(await (await fetch(`${url}/version`)).json()).toMatchObject({ name: 'sealrelay', protocol_version: '1.0.0', protocolVersions: [1] });
    const missing = await fetch(`${url}/nothing`);
    expect(missing.status).toBe(404);
    expect(missing.headers.get('content-type')).toContain('application/problem+json');
  });

  it('shows metrics on the admin address only', async () => {
    await using relay = new ServeProcess([]);
    const { metricsUrl } = await relay.logLine('relay is listening');
    expect(await (await fetch(String(metricsUrl))).text()).toContain('relay_connections_accepted_total ');
    expect((await fetch(`${await relay.url()}/metrics`)).status).toBe(404);
  });

  it('drains on SIGTERM, ends with 0 and leaves no private directory', async () => {
    await using relay = new ServeProcess([]);
    await relay.url();
    expect(readdirSync(relay.dir).filter((name) => name.startsWith('sealrelay-'))).toHaveLength(1);
    relay.child.kill('SIGTERM');
    expect(await relay.ended).toEqual({ code: 0, signal: null });
    expect(relay.stderr).toEqual([]);
    expect(readdirSync(relay.dir).filter((name) => name.startsWith('sealrelay-'))).toEqual([]);
  });

  it.skipIf(!existsSync('/dev/full'))('serves and drains also where its log takes no lines', async () => {
    await using relay = new ServeProcess(['--json', '--log.to', 'file:/dev/full', '--log.level', 'trace']);
    while (relay.stdout.length === 0) await sleep(10);
    const place: { relayAddress: string; metricsUrl: string } = JSON.parse(relay.stdout[0] ?? '');
    const space = await createSpace({ relay: place.relayAddress });
    await space.push(new Uint8Array(10)).durable('relay');
    await space.close();
    relay.child.kill('SIGHUP');
    relay.child.kill('SIGUSR2');
    const metrics = await (await fetch(place.metricsUrl)).text();
    expect(metrics).toContain('relay_log_lines_lost_total 0');
    relay.child.kill('SIGTERM');
    expect(await relay.ended).toEqual({ code: 0, signal: null });
    expect(relay.stderr).toEqual([]);
  });

  it('ends in order on a SIGTERM before it listens, whenever that comes', async () => {
    const privateFolders = (relay: ServeProcess): string[] => readdirSync(relay.dir).filter((name) => name.startsWith('sealrelay-'));
    for (const laterMs of [0, 30]) {
      await using relay = new ServeProcess([]);
      // The first thing that a start makes.
      while (privateFolders(relay).length === 0) await sleep(1);
      await sleep(laterMs);
      relay.child.kill('SIGTERM');
      expect(await relay.ended).toEqual({ code: 0, signal: null });
      expect([privateFolders(relay), relay.stderr]).toEqual([[], []]);
      const said = relay.stdout.map((line): unknown => JSON.parse(line).msg);
      expect(said).toEqual(['SIGTERM: stopping before the start is done; once more to end at once', 'relay has stopped']);
    }
  });

  it('serves a domain with TLS and everything that is set by name, before it has a certificate', async () => {
    await using relay = new ServeProcess(['relay.example.org', '--host', '127.0.0.1', '--tls.redirect-port', 'off', '--acme.directory', 'https://127.0.0.1:1/dir']);
    expect(await relay.logLine('relay is listening')).toMatchObject({ tls: '1.3', relayAddress: expect.stringMatching(/^sealrelay:\/\/relay\.example\.org:\d+\/#k=/) });
  });

  it('names a taken port and its fix in one line', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const { port } = blocker.address() as { port: number };
    await using relay = new ServeProcess(['--port', String(port)]);
    expect(await relay.ended).toEqual({ code: 1, signal: null });
    blocker.close();
    expect(relay.stderr).toEqual([
      `relay: cannot listen on 127.0.0.1:${port}: the port is taken. Stop the program that uses it, or choose another port with --port.`,
    ]);
    expect(relay.stdout).toEqual([]);
    expect(existsSync(join(relay.dir, 'data'))).toBe(false);
  });

  it.each([
    [['--host', '0.0.0.0'], 2, /not a loopback address.*--tls\.cert.*reverse proxy.*--behind-proxy.*--insecure/],
    [['--prot', '1'], 2, /unknown option --prot\. Did you mean --port\?/],
  ] as const)('refuses %j', async (args, code, message) => {
    await using relay = new ServeProcess(args);
    expect(await relay.ended).toEqual({ code, signal: null });
    expect(relay.stderr.join('\n')).toMatch(message);
  });

  it('starts among the variables of others, and says which it ignored', async () => {
    await using relay = new ServeProcess([], { RELAY_SERVICE_HOST: '10.96.0.7', RELAY_DATADIR: 'x', DB_PATH: 'x' });
    await relay.url();
    const warned = relay.stdout.map((line): Record<string, unknown> => JSON.parse(line)).filter(({ level }) => level === 40);
    expect(warned.map(({ msg }) => msg)).toEqual([
      'unknown environment variable RELAY_DATADIR was ignored; did you mean RELAY_DATA_DIR?',
      'environment variable DB_PATH has no effect yet: the relay keeps a directory instead of a database file. Set RELAY_DATA_DIR.',
    ]);
  });

  it('ends at once on the second signal', async () => {
    await using relay = new ServeProcess(['--drain-time', '60s']);
    const socket = new WebSocket(`${(await relay.url()).replace('http', 'ws')}/v1/connect`);
    await new Promise((resolve) => socket.once('open', resolve));
    // A peer that never answers the close would hold the drain up.
    socket.pause();
    relay.child.kill('SIGTERM');
    await relay.logLine('SIGTERM: draining; once more to end at once');
    relay.child.kill('SIGTERM');
    expect(await relay.ended).toEqual({ code: 143, signal: null });
    socket.terminate();
  });

  it('names a data directory that is in use', async () => {
    await using first = new ServeProcess([]);
    await first.url();
    await using second = new ServeProcess(['--data-dir', join(first.dir, 'data')]);
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.stderr.join('\n')).toMatch(/data is in use by the relay with process id \d+\. Stop it, or choose another directory\.$/);
  });

  it('names a data directory that is not one, or cannot be made', async () => {
    await using foreign = new ServeProcess(['--data-dir', import.meta.dirname]);
    expect(await foreign.ended).toEqual({ code: 1, signal: null });
    expect(foreign.stderr.join('\n')).toMatch(/is not a sealrelay data directory.*Choose an empty directory/);
    await using blocked = new ServeProcess(['--data-dir', join(import.meta.filename, 'below')]);
    expect(await blocked.ended).toEqual({ code: 1, signal: null });
    expect(blocked.stderr.join('\n')).toMatch(/below.*\. [A-Z].*\.$/);
  });

  it('names a damaged segment and the ways out, and changes nothing', async () => {
    await using first = new ServeProcess([]);
    await first.url();
    first.child.kill('SIGTERM');
    await first.ended;
    const segment = join(first.dir, 'data/log/00000000000000000001.seg');
    const bytes = Buffer.alloc(4096, 0xff);
    writeFileSync(segment, bytes);
    // A later segment, so that the broken one cannot be the unfinished end of the log.
    writeFileSync(join(first.dir, 'data/log/00000000000000000002.seg'), '');
    await using second = new ServeProcess(['--data-dir', join(first.dir, 'data')]);
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.stderr.join('\n')).toMatch(/00000000000000000001\.seg at offset 0.*nothing was changed\. Copy the data directory/);
    expect(readFileSync(segment).equals(bytes)).toBe(true);
  });

  const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;
  it.skipIf(!hasPrlimit)('is not ready any more once a write failed, and says why (needs util-linux `prlimit`)', async () => {
    await using relay = new ServeProcess([]);
    const { relayAddress } = await relay.logLine('relay is listening');
    const ready = `${await relay.url()}/health/ready`;
    const space = await createSpace({ relay: String(relayAddress), batchWindowMs: 0 });
    await space.whenSynced();
    expect((await fetch(ready)).status).toBe(200);
    // From now on every write to a file fails.
    expect(spawnSync('prlimit', ['--pid', String(relay.child.pid), '--fsize=1:1']).status).toBe(0);
    const write = space.push(new Uint8Array([1]));
    let answer = await fetch(ready);
    for (const endMs = Date.now() + 8000; answer.status === 200 && Date.now() < endMs; answer = await fetch(ready)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ ready: false, phase: 'ready', reason: 'store_poisoned' });
    expect(write.state).toBe('queued');
    await space.close();
  });

  const hasScript = spawnSync('script', ['--version']).status === 0;
  it.skipIf(!hasScript)('shows the banner on a terminal (needs util-linux `script`): no colour with NO_COLOR, no secret, Ctrl-C stops it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sealrelay-test-'));
    const command = `exec "${process.execPath}" "${CLI}" --port 0 --admin.port off --data-dir "${dir}/data"`;
    const terminal = spawn('script', ['-qec', command, '/dev/null'], { env: { ...process.env, NO_COLOR: '1' } });
    let shown = '';
    terminal.stdout.on('data', (chunk: Buffer) => {
      const before = shown;
      shown += chunk.toString();
      if (!before.includes('Ctrl-C stops') && shown.includes('Ctrl-C stops')) terminal.stdin.write('\u0003');
    });
    const [code] = await once(terminal, 'close');
    const key = readFileSync(join(dir, 'data/relay.key'), 'utf8').trim();
    rmSync(dir, { recursive: true, force: true });
    expect(code).toBe(0);
    expect(shown).toMatch(/Relay address\r?\nsealrelay:\/\/127\.0\.0\.1:\d+\/#k=/);
    expect(shown).toContain('▀');
    expect(shown).toContain("import { createSpace } from 'sealrelay/client';");
    expect(shown).toContain('SIGINT: draining');
    expect(shown).not.toContain('\u001B[');
    expect(shown).not.toContain('"level"');
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    for (const secret of [key, Buffer.from(key, 'hex').toString('base64url')]) expect(shown).not.toContain(secret);
  });
});
