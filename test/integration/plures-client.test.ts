// The relay transports of PluresDB on the real product.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MESSAGE_BYTES_MAX, type SyncConnection, type SyncTransport, type TransportConfig } from '../../src/client/plures/node.js';
import { CanarySearch } from '../../src/verify/canary-search.js';
import { Sink } from '../../src/verify/sink.js';
import { startTapProxy } from '../../src/verify/tap-proxy.js';
import { Peer } from '../conformance/socket.js';
import { bytes, collected, Transports, until } from '../support/plures-transports.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';

const MEGABYTE = 1024 * 1024;
async function first(connection: SyncConnection): Promise<Uint8Array> {
  for await (const message of connection.receive()) return message;
  throw new Error('ended');
}

describe.skipIf(!productBuilt())('on the product (skipped unless it is built)', () => {
  let dir: string;
  let relay: RelayProcess;
  let transports: Transports;
  const transport = (config: Partial<TransportConfig>): SyncTransport => transports.make(config);
  const closeAll = (): Promise<void> => transports.close();

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-plures-client-'));
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
    transports = new Transports({ azureRelayUrl: `ws://127.0.0.1:${relay.port}` });
  });

  afterAll(async () => {
    await closeAll();
    await relay.kill();
    rmSync(dir, { recursive: true, force: true });
  });

  test('two peers meet by the relay, and each gets what the other says, in order, until one closes', async () => {
    const topic = randomUUID();
    const heard: string[][] = [];
    await transport({ topic }).listen((connection) => {
      heard.push(collected(connection));
      void connection.send(bytes('welcome'));
    });
    const connection = await transport({ topic }).connect('peer-a');
    const got = collected(connection);
    for (let n = 0; n < 200; n += 1) await connection.send(bytes(`m${n}`));
    await until(() => heard[0]?.length === 200, 'all arrived');
    expect(heard).toEqual([Array.from({ length: 200 }, (_, n) => `m${n}`)]);
    await until(() => got.length > 0, 'the welcome');
    expect(got).toEqual(['welcome']);
    await connection.close();
    await until(() => heard[0]?.at(-1) === 'end', 'the end');
    expect(got.at(-1)).toBe('end');
    await closeAll();
  });

  test('peers that speak the protocol by hand are peers like any other', async () => {
    const topic = randomUUID();
    const heard: string[][] = [];
    const accepted: SyncConnection[] = [];
    await transport({ topic }).listen((connection) => {
      accepted.push(connection);
      heard.push(collected(connection));
    });
    const stock = await Peer.open(new URL(`http://127.0.0.1:${relay.port}`), '/any/path');
    stock.say({ type: 'join', topic, peerId: 'stock' });
    expect(await stock.json()).toMatchObject({ type: 'peer-joined', topic });
    stock.say({ type: 'data', data: 'AQID/w==' });
    await until(() => heard[0]?.length === 1, 'the stock peer is heard');
    await accepted[0]!.send(Uint8Array.of(1, 2, 3, 255));
    expect(await stock.json()).toMatchObject({ type: 'data', data: 'AQID/w==' });
    stock.close();
    await until(() => heard[0]?.at(-1) === 'end', 'it left');
    await closeAll();
  });

  test('with a sync key the wire shows neither topic, peer nor words', async () => {
    const canaries = Array.from({ length: 20 }, () => randomBytes(24).toString('base64url'));
    const wanted = { search: new CanarySearch(canaries), fieldOf: () => 'field' };
    const wire = new Sink('wire', wanted);
    const tap = await startTapProxy(() => relay.port, (connection, direction, piece) => wire.push(piece, `${connection} ${direction}`));
    try {
      for (const syncKey of ['a secret', undefined]) {
        expect(wire.report().hits).toBe(0);
        const config = { topic: canaries[0]!, azureRelayUrl: `ws://127.0.0.1:${tap.port}`, ...(syncKey === undefined ? {} : { syncKey }) };
        const heard: string[][] = [];
        await transport(config).listen((connection) => heard.push(collected(connection)));
        const connection = await transport(config).connect(canaries[1]!);
        for (const canary of canaries.slice(2)) await connection.send(bytes(canary));
        await until(() => heard[0]?.length === canaries.length - 2, 'all arrived');
        await closeAll();
      }
      expect(wire.report().hits).toBe(canaries.length);
    } finally {
      await tap.close();
    }
  });

  test('fifty peers: each one’s words reach the listener as its own, and the listener’s reach all', async () => {
    const topic = randomUUID();
    const connections: SyncConnection[] = [];
    const heard: string[][] = [];
    await transport({ topic }).listen((connection) => {
      connections.push(connection);
      heard.push(collected(connection));
    });
    const joined = await Promise.all(Array.from({ length: 49 }, (_, n) => transport({ topic }).connect(`peer-${n}`)));
    const got = joined.map(collected);
    await until(() => connections.length === 49, 'all are known');
    await Promise.all(joined.map((connection, n) => connection.send(bytes(`from ${n}`))));
    await until(() => heard.every((one) => one.length === 1), 'all spoke');
    expect(heard.flat().toSorted()).toEqual(Array.from({ length: 49 }, (_, n) => `from ${n}`).toSorted());
    await connections[0]!.send(bytes('to all'));
    await until(() => got.every((one) => one.includes('to all')), 'all heard');
    await closeAll();
  });

  test('ten megabytes, sealed and not; more than the limit is refused by name', async () => {
    for (const syncKey of [undefined, 'a secret']) {
      const config = { topic: randomUUID(), ...(syncKey === undefined ? {} : { syncKey }) };
      const arrived: Promise<Uint8Array>[] = [];
      await transport(config).listen((connection) => arrived.push(first(connection)));
      const connection = await transport(config).connect('peer-a');
      const large = Uint8Array.from(randomBytes(10 * MEGABYTE));
      await connection.send(large);
      await until(() => arrived.length > 0, 'the peer is there');
      expect(Buffer.compare(Buffer.from(await arrived[0]!), Buffer.from(large))).toBe(0);
      await expect(connection.send(new Uint8Array(MESSAGE_BYTES_MAX + 1))).rejects.toMatchObject({ code: 'item_too_large' });
      await closeAll();
    }
  });

  test('who does not read holds up who sends, and then gets everything', async () => {
    const topic = randomUUID();
    let slow: SyncConnection | undefined;
    await transport({ topic }).listen((connection) => (slow = connection));
    const connection = await transport({ topic }).connect('peer-a');
    const sent: number[] = [];
    const sending = (async () => {
      for (let n = 0; n < 64; n += 1) {
        await connection.send(new Uint8Array(MEGABYTE).fill(n));
        sent.push(n);
      }
    })();
    await until(() => slow !== undefined, 'the peer is there');
    for (let before = -1; before !== sent.length; await new Promise((resolve) => setTimeout(resolve, 400))) before = sent.length;
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.length).toBeLessThan(60);
    let count = 0;
    for await (const message of slow!.receive()) {
      expect(message[0]).toBe(count);
      count += 1;
      if (count === 64) break;
    }
    await sending;
    await closeAll();
  });

  test('a listener is there again after the relay was', async () => {
    const topic = randomUUID();
    const met: SyncConnection[] = [];
    await transport({ topic }).listen((connection) => met.push(connection));
    const before = await transport({ topic }).connect('peer-a');
    const got = before.receive()[Symbol.asyncIterator]();
    const ended = expect(got.next()).rejects.toMatchObject({ code: 'relay_unreachable' });
    await relay.kill();
    await ended;
    relay = await startRelay({ dataDir: join(dir, 'data'), port: relay.port });
    await expect.poll(async () => (await transport({ topic, connectionTimeoutMs: 1000 }).connect('peer-b').catch(() => null)) !== null, { timeout: 15_000 }).toBe(true);
    await until(() => met.length >= 2, 'the listener met it');
    await closeAll();
  });
});
