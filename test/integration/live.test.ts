// Ephemeral frames and topics: SDK clients on the real relay.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createSpace, openSpace } from '../../src/client/node.js';
import { live } from '../../src/client/live/index.js';
import type { LiveSpace, Topic } from '../../src/client/live/index.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';
import type { RelayProcess } from '../support/relay-process.js';
import { bytes, until } from '../support/test-space.js';

const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

describe.skipIf(!productBuilt())('what is never stored, on the real relay (skipped unless the product is built)', () => {
  let dir: string;
  let relay: RelayProcess;
  const spaces: LiveSpace[] = [];
  const troubles: string[] = [];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-live-'));
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
  });

  afterEach(async () => {
    for (const space of spaces.splice(0)) await space.close();
    expect(troubles.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  function watched(space: LiveSpace): LiveSpace {
    spaces.push(space);
    space.on('misbehaviour', ({ kind }) => troubles.push(kind));
    space.on('error', ({ code, message }) => troubles.push(`${code}: ${message}`));
    space.on('live-rejected', ({ reason }) => troubles.push(`rejected: ${reason}`));
    return space;
  }

  async function three(): Promise<[LiveSpace, LiveSpace, LiveSpace]> {
    const a = watched(await createSpace({ relay: relay.address, parts: [live] }));
    await a.whenSynced();
    const b = watched(await openSpace({ link: a.link!, parts: [live] }));
    const c = watched(await openSpace({ link: a.link!, rights: 'read', parts: [live] }));
    await Promise.all([b.whenSynced(), c.whenSynced()]);
    return [a, b, c];
  }

  test('presence: who comes is told of those who are there, and a reader is present too', async () => {
    const [a, b, c] = await three();
    const here = new Map<LiveSpace, Map<string, string>>();
    const appear = (space: LiveSpace, name: string): void => {
      const others = new Map<string, string>();
      here.set(space, others);
      space.ephemeral.subscribe(({ device, payload }) => {
        const said = text(payload);
        if (said === '?') space.ephemeral.send(bytes(name));
        else others.set(device, said);
      });
      space.ephemeral.onListening(() => {
        space.ephemeral.send(bytes(name));
        space.ephemeral.send(bytes('?'));
      });
    };
    appear(a, 'Ada');
    appear(b, 'Bob');
    appear(c, 'Cleo');
    await until('all know all', () => [...here.values()].every((others) => others.size === 2));
    expect(here.get(a)).toEqual(new Map([[b.device, 'Bob'], [c.device, 'Cleo']]));
    expect(here.get(c)).toEqual(new Map([[a.device, 'Ada'], [b.device, 'Bob']]));
  });

  test('frames of a sender come in order, none twice, and none to who stopped listening', async () => {
    const [a, b, c] = await three();
    const heard: string[] = [];
    const times: number[] = [];
    b.ephemeral.subscribe(({ payload, time, device }) => {
      expect(device).toBe(a.device);
      heard.push(text(payload));
      times.push(time);
    });
    const stop = c.ephemeral.subscribe(() => troubles.push('heard after the end'));
    stop();
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    const expected = Array.from({ length: 200 }, (_, i) => String(i));
    for (const said of expected) expect(a.ephemeral.send(bytes(said))).toBe(true);
    await until('all came', () => heard.length >= expected.length);
    expect(heard).toEqual(expected);
    expect(Math.abs((times[0] ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(() => a.ephemeral.send(new Uint8Array(16 * 1024))).toThrow('at most');
  });

  test('a device that was removed hears nothing of the others any more', async () => {
    const [a, b, c] = await three();
    const heard: string[] = [];
    for (const space of [b, c]) space.ephemeral.subscribe(({ payload }) => heard.push(text(payload)));
    await a.removeDevice(b.device);
    await until('b is out', () => b.status.status === 'failed');
    a.ephemeral.send(bytes('after'));
    await until('c hears', () => heard.length > 0);
    expect(heard).toEqual(['after']);
    expect(b.ephemeral.send(bytes('x'))).toBe(false);
  });

  function collect(topic: Topic): string[] {
    const got: string[] = [];
    topic.receive(({ peer, payload, toAll }) => void got.push(`${peer.device.slice(0, 4)}${toAll ? ' to all' : ''}: ${text(payload)}`));
    return got;
  }

  test('topics: peers see each other, pipes carry to one and to all, and leaving is told', async () => {
    const [a, b, c] = await three();
    const [ta, tb, tc] = [a.topic('call'), b.topic('call'), c.topic('call')];
    const elsewhere = collect(c.topic('other'));
    const left: string[] = [];
    ta.on('left', ({ device }) => left.push(device));
    const [atA, atB, atC] = [collect(ta), collect(tb), collect(tc)];
    await until('all are there', () => [ta, tb, tc].every((topic) => topic.peers().length === 2));
    const bob = ta.peers().find(({ device }) => device === b.device)!;
    await ta.send(bytes('to all'));
    await ta.send(bytes('to one'), { to: bob.id });
    const name = a.device.slice(0, 4);
    await until('they came', () => atB.length === 2 && atC.length === 1);
    expect([atA, atB, atC, elsewhere]).toEqual([[], [`${name} to all: to all`, `${name}: to one`], [`${name} to all: to all`], []]);
    tb.leave();
    await c.close();
    await until('both are gone', () => left.length === 2);
    expect(new Set(left)).toEqual(new Set([b.device, c.device]));
    await expect(ta.send(bytes('x'), { to: bob.id })).rejects.toMatchObject({ code: 'peer_left' });
  });

  test('a receiver that is not done holds its sender back, and then everything arrives in order', async () => {
    const [a, b] = await three();
    const [ta, tb] = [a.topic('bulk'), b.topic('bulk')];
    await until('both are there', () => ta.peers().length === 1);
    const got: number[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    tb.receive(async ({ payload }) => {
      await held;
      got.push(payload[0] ?? -1);
    });
    let handedOver = 0;
    const sends = Array.from({ length: 40 }, async (_, i) => {
      await ta.send(new Uint8Array(30_000).fill(i));
      handedOver += 1;
    });
    await new Promise((resolve) => {
      setTimeout(resolve, 300);
    });
    expect(handedOver).toBe(8);
    release();
    await Promise.all(sends);
    await until('all came', () => got.length === 40);
    expect(got).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  test('after the relay was restarted the topics are joined again', async () => {
    const port = await freePort();
    const dataDir = join(dir, 'restarted');
    let other = await startRelay({ dataDir, port });
    const a = watched(await createSpace({ relay: other.address, parts: [live] }));
    await a.whenSynced();
    const b = watched(await openSpace({ link: a.link!, parts: [live] }));
    const [ta, tb] = [a.topic('again'), b.topic('again')];
    const atB = collect(tb);
    await until('both are there', () => ta.peers().length === 1 && tb.peers().length === 1);
    await ta.send(bytes('before'));
    await until('it came', () => atB.length === 1);
    await other.kill();
    await until('nobody is there', () => ta.peers().length === 0);
    other = await startRelay({ dataDir, port });
    await until('both are there again', () => ta.peers().length === 1 && tb.peers().length === 1);
    await ta.send(bytes('after'));
    await until('it came', () => atB.length === 2);
    await Promise.all([a.close(), b.close()]);
    await other.stop();
  });
});
