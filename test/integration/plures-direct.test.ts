// Direct ways of PluresDB's transports: Hyperswarm in a DHT on loopback, and the real product as the relay beside it.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MessageSeal } from '../../src/client/plures/message-seal.js';
import { type SyncConnection, type SyncTransport, type TransportConfig, type TransportEvent } from '../../src/client/plures/node.js';
import { bytes, collected, Transports, until } from '../support/plures-transports.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { startTestSwarms, type TestSwarms } from '../support/test-swarm.js';

const MEGABYTE = 1024 * 1024;

describe.skipIf(!productBuilt())('on the product (skipped unless it is built)', () => {
  let dir: string;
  let relay: RelayProcess;
  let transports: Transports;
  const transport = (config: Partial<TransportConfig>): SyncTransport => transports.make(config);
  const closeAll = (): Promise<void> => transports.close();

  let swarms: TestSwarms | { readonly why: string };
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-plures-direct-'));
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
    transports = new Transports({ azureRelayUrl: `ws://127.0.0.1:${relay.port}` });
    swarms = await startTestSwarms();
  });

  afterAll(async () => {
    await closeAll();
    if ('close' in swarms) await swarms.close();
    await relay.kill();
    rmSync(dir, { recursive: true, force: true });
  });

  const direct = (context: { skip: (why: string) => never }): TestSwarms => ('why' in swarms ? context.skip(`Hyperswarm does not load: ${swarms.why}`) : swarms);

  test('two peers meet without any relay, ten megabytes too, and an orderly close loses nothing', async (context) => {
    const { network } = direct(context);
    const config: Partial<TransportConfig> = { mode: 'direct', topic: randomUUID(), direct: network };
    const arrived: Promise<number[]>[] = [];
    const sizes = async (connection: SyncConnection): Promise<number[]> => {
      const got: number[] = [];
      for await (const message of connection.receive()) got.push(message.length);
      return got;
    };
    await transport(config).listen((connection) => arrived.push(sizes(connection)));
    const connection = await transport(config).connect('peer-a');
    await connection.send(new Uint8Array(10 * MEGABYTE));
    for (let n = 1; n <= 20; n += 1) await connection.send(new Uint8Array(n));
    await connection.close();
    expect(await arrived[0]).toEqual([10 * MEGABYTE, ...Array.from({ length: 20 }, (_, n) => n + 1)]);
    await closeAll();
  });

  test('a topic that is known by its name in the DHT only lets nobody in', async (context) => {
    const { network } = direct(context);
    const topic = randomUUID();
    const met: SyncConnection[] = [];
    await transport({ mode: 'direct', topic, syncKey: 'right', direct: network }).listen((connection) => met.push(connection));
    // The name of the first, the proof of the second: what somebody has who saw the name only.
    const { directName } = new MessageSeal(topic, 'right', (length) => new Uint8Array(length));
    const stranger: TransportConfig['direct'] = { join: (_, found) => network.join(directName, found) };
    await expect(transport({ mode: 'direct', topic, syncKey: 'wrong', direct: stranger, connectionTimeoutMs: 1500 }).connect('stranger')).rejects.toMatchObject({ code: 'request_timeout' });
    expect(met).toEqual([]);
    await closeAll();
  });

  test('by the relay first, then directly, and by the relay again when the direct way dies: nothing is lost', async (context) => {
    const { network, cut } = direct(context);
    const topic = randomUUID();
    const paths: string[] = [];
    // Found late, so that the relay is first.
    let allowDirect: () => void = () => undefined;
    const allowed = new Promise<void>((resolve) => (allowDirect = resolve));
    const late: TransportConfig['direct'] = { join: (name, found) => allowed.then(() => network.join(name, found)) };
    const observe = (event: TransportEvent): void => void (event.type === 'path' && paths.push(event.path));
    const config: Partial<TransportConfig> = { mode: 'auto', topic, syncKey: 'secret', direct: late, directTimeoutMs: 50 };
    const heard: string[][] = [];
    const listening = transport({ ...config, observe });
    await listening.listen((connection) => heard.push(collected(connection)));
    const connection = await transport(config).connect('peer-a');
    const expected: string[] = [];
    const say = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        expected.push(`m${expected.length}`);
        await connection.send(bytes(expected.at(-1)!));
      }
    };
    await say(50);
    allowDirect();
    while (!paths.includes('direct')) {
      await say(1);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await say(50);
    const sending = say(500);
    await new Promise((resolve) => setTimeout(resolve, 5));
    cut();
    await sending;
    await say(20);
    await until(() => new Set(heard[0]).size === expected.length, 'all arrived');
    expect(heard.length).toBe(1);
    expect(heard[0]!.filter((message, at) => heard[0]!.indexOf(message) === at)).toEqual(expected);
    await until(() => paths.length >= 4, 'directly again');
    expect(paths.slice(0, 4)).toEqual(['relay', 'direct', 'relay', 'direct']);
    await closeAll();
  });
});
