// The corporate profile never touches UDP: neither is a socket opened, nor is the code that could do it loaded. The process is this file's own.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTransport, type NodeTransportConfig } from '../../src/client/plures/node.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { startTestSwarms } from '../support/test-swarm.js';

const hasProc = existsSync('/proc/self/net/udp');

/** UDP sockets of this process. */
function udpSockets(): number {
  const own = new Set(
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const lines = ['udp', 'udp6'].flatMap((name) => readFileSync(`/proc/self/net/${name}`, 'utf8').split('\n').slice(1));
  return lines.filter((line) => own.has(line.trim().split(/\s+/)[9] ?? '')).length;
}

const udpCode = (): boolean => /udx-native/.test(readFileSync('/proc/self/maps', 'utf8'));

describe.skipIf(!productBuilt() || !hasProc)('on the product (skipped unless it is built, and where there is no /proc)', () => {
  let dir: string;
  let relay: RelayProcess;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-plures-corporate-'));
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
  });

  afterAll(async () => {
    await relay.kill();
    rmSync(dir, { recursive: true, force: true });
  });

  async function exchange(config: Partial<NodeTransportConfig>): Promise<number> {
    const common = { mode: 'auto' as const, azureRelayUrl: `ws://127.0.0.1:${relay.port}`, topic: randomUUID(), ...config };
    const [listening, connecting] = [createTransport(common), createTransport(common)];
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, udpSockets())), 2);
    let heard = 0;
    await listening.listen((connection) => {
      void (async () => {
        for await (const _ of connection.receive()) heard += 1;
      })();
    });
    const connection = await connecting.connect('peer-a');
    for (let n = 0; n < 50; n += 1) await connection.send(new Uint8Array(1000));
    await expect.poll(() => heard).toBe(50);
    most = Math.max(most, udpSockets());
    await Promise.all([connecting.close(), listening.close()]);
    clearInterval(watch);
    return most;
  }

  test('no datagram socket is opened, and no code for one is loaded; control: without the profile there are some', async (context) => {
    expect(await exchange({ profile: 'corporate' })).toBe(0);
    expect(udpCode()).toBe(false);
    const swarms = await startTestSwarms();
    if ('why' in swarms) return context.skip(`Hyperswarm does not load: ${swarms.why}`);
    const before = udpSockets();
    expect(await exchange({ bootstrap: swarms.bootstrap, directTimeoutMs: 200 })).toBeGreaterThan(before);
    expect(udpCode()).toBe(true);
    await swarms.close();
  });
});
