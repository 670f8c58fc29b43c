// What the public calls refuse, and with which typed error.
import { afterEach, expect, test, vi } from 'vitest';
import { ClientError, MemoryDeviceStore, createSpace, openSpace } from '../../../src/client/node.js';
import { live } from '../../../src/client/live/index.js';
import { openSpaceWith } from '../../../src/client/space/open.js';
import { ITEM_BYTES_MAX } from '../../../src/client/limits.js';
import { HonestRelay } from '../../support/honest-relay.js';
import { ManualClock } from '../../support/manual-clock.js';
import { bytes, createDevice, openDevice, until } from '../../support/test-space.js';
import type { TestDevice } from '../../support/test-space.js';

const devices: TestDevice[] = [];

afterEach(async () => {
  vi.unstubAllGlobals();
  for (const { space } of devices.splice(0)) await space.close();
});

async function relayAndDevice(): Promise<{ relay: HonestRelay; a: TestDevice }> {
  const relay = await new HonestRelay().start();
  const a = await createDevice(relay);
  devices.push(a);
  return { relay, a };
}

test('a damaged address or link is named without repeating it', async () => {
  const secret = 'sealrelay://localhost/#k=short&s=verysecret';
  const bad = await createSpace({ relay: secret }).catch((cause: unknown) => cause);
  expect(bad).toBeInstanceOf(ClientError);
  expect(bad).toMatchObject({ code: 'bad_address', temporary: false });
  expect(String(bad)).not.toContain('verysecret');
  await expect(openSpace({ link: secret })).rejects.toMatchObject({ code: 'bad_link' });
  await expect(openSpace({})).rejects.toMatchObject({ code: 'bad_link' });
});

test('a text is no item, and a buffer that is used again does not change what was pushed', async () => {
  const { relay, a } = await relayAndDevice();
  const text = 'hello' as unknown as Uint8Array;
  expect(() => a.space.push(text)).toThrow(expect.objectContaining({ code: 'bad_option', hint: expect.stringContaining('TextEncoder') }));
  const present = await openSpaceWith({ link: a.space.link ?? '', create: true, parts: [live] }, { openTransport: relay.transport() });
  expect(() => present.ephemeral.send(text)).toThrow('no Uint8Array');
  await expect(present.topic('t').send(text)).rejects.toMatchObject({ code: 'bad_option' });
  await present.close();
  expect(() => a.space.push(new Uint16Array(2) as unknown as Uint8Array)).toThrow('no Uint8Array');
  const buffer = Buffer.from('first');
  const write = a.space.push(buffer);
  buffer.write('other');
  await write.durable('relay');
  const b = await openDevice(relay, a.space.link);
  devices.push(b);
  await until('it is read', () => b.texts().length > 0);
  expect(b.texts()).toEqual(['first']);
});

test('open or create: a storage without a device gets a new space, offline too, and the next opening goes on with it', async () => {
  const relay = await new HonestRelay().start();
  const storage = new MemoryDeviceStore();
  const options = { storage, relay: relay.address(), create: true, offline: true };
  const made = await openSpace(options);
  const { id, device } = made;
  expect(made.link).toContain(relay.address());
  await made.close();
  const again = await openSpace(options);
  expect([again.id, again.device]).toEqual([id, device]);
  await again.close();
  await expect(openSpace({ storage: new MemoryDeviceStore(), relay: relay.address(), offline: true })).rejects.toMatchObject({ code: 'bad_link' });
});

test('what was pushed before a space is closed is in its storage, and what is pushed while it closes is refused', async () => {
  const relay = await new HonestRelay().start();
  const storage = new MemoryDeviceStore();
  const { space } = await createDevice(relay, { storage, offline: true });
  space.push(bytes('before'));
  const closing = space.close();
  expect(() => space.push(bytes('while'))).toThrow(expect.objectContaining({ code: 'closed' }));
  await closing;
  expect(await storage.outbox.load()).toHaveLength(1);
});

test('an environment may be an object whose methods are those of its class', async () => {
  const relay = await new HonestRelay().start();
  const clock = new ManualClock();
  const a = await createDevice(relay, { environment: clock });
  devices.push(a);
  // The wait for the relay to answer is one of this clock's.
  expect(clock.waiting).toBeGreaterThan(0);
});

test('without crypto.subtle the context is called insecure', async () => {
  const relay = await new HonestRelay().start();
  vi.stubGlobal('crypto', { getRandomValues: globalThis.crypto.getRandomValues.bind(globalThis.crypto) });
  await expect(createSpace({ relay: relay.address() })).rejects.toMatchObject({ code: 'insecure_context', hint: expect.stringContaining('https') });
});

test('where WebCrypto has no Ed25519 and the app gave none, it is told which part does it', async () => {
  const relay = await new HonestRelay().start();
  const importKey = async (): Promise<never> => Promise.reject(new DOMException('unknown algorithm', 'NotSupportedError'));
  vi.stubGlobal('crypto', { subtle: { importKey }, getRandomValues: globalThis.crypto.getRandomValues.bind(globalThis.crypto) });
  const refused = await createSpace({ relay: relay.address() }).catch((cause: unknown) => cause);
  expect(refused).toBeInstanceOf(ClientError);
  expect(refused).toMatchObject({ code: 'unsupported_platform', hint: expect.stringContaining('sealrelay/client/ed25519') });
});

test('a relay with another key than the address says gets no proof', async () => {
  const { a } = await relayAndDevice();
  const other = await new HonestRelay().start();
  const impostor = { address: () => a.space.link!, transport: () => other.transport() };
  await expect(openDevice(impostor, a.space.link)).rejects.toMatchObject({ code: 'relay_key_mismatch' });
});

test('a batch window above 50 ms, an item too large, and a closed space are refused', async () => {
  const { relay, a } = await relayAndDevice();
  await expect(createDevice(relay, { batchWindowMs: 51 })).rejects.toMatchObject({ code: 'bad_option' });
  expect(() => a.space.push(new Uint8Array(ITEM_BYTES_MAX + 1))).toThrow(expect.objectContaining({ code: 'item_too_large' }));
  await a.space.close();
  expect(() => a.space.push(bytes('x'))).toThrow(expect.objectContaining({ code: 'closed' }));
});

test('an outbox that is full pushes back until it is written', async () => {
  const { a } = await relayAndDevice();
  a.space.goOffline();
  const item = new Uint8Array(ITEM_BYTES_MAX);
  for (let i = 0; i < 7; i += 1) a.space.push(item);
  const full = (): unknown => {
    for (let i = 0; i < 2; i += 1) a.space.push(item);
    return undefined;
  };
  expect(full).toThrow(expect.objectContaining({ code: 'outbox_full', temporary: true }));
  a.space.goOnline();
  await a.space.whenWritable();
  a.space.push(bytes('small'));
  await a.space.whenSynced();
});

test('a reader may read and not write', async () => {
  const { relay, a } = await relayAndDevice();
  await a.space.push(bytes('one')).durable('relay');
  const b = await openDevice(relay, a.space.link, { rights: 'read' });
  devices.push(b);
  await b.space.whenSynced();
  expect(b.texts()).toEqual(['one']);
  expect(() => b.space.push(bytes('x'))).toThrow(expect.objectContaining({ code: 'read_only' }));
});

test('storage holds one device of one space', async () => {
  const { relay, a } = await relayAndDevice();
  const storage = new MemoryDeviceStore();
  const b = await openDevice(relay, a.space.link, { storage });
  devices.push(b);
  await expect(createDevice(relay, { storage })).rejects.toMatchObject({ code: 'bad_option' });
  const other = await createDevice(relay);
  devices.push(other);
  await expect(openDevice(relay, other.space.link, { storage })).rejects.toMatchObject({ code: 'bad_option' });
});

test('items of one moment become one entry, merged by the app', async () => {
  const relay = await new HonestRelay().start();
  const merge = (items: readonly Uint8Array[]): readonly Uint8Array[] => [bytes(items.map((item) => new TextDecoder().decode(item)).join('+'))];
  const a = await createDevice(relay, { batchWindowMs: 20, merge });
  devices.push(a);
  const writes = ['a', 'b', 'c'].map((text) => a.space.push(bytes(text)));
  await Promise.all(writes.map((write) => write.durable('relay')));
  await until('read', () => a.texts().length === 1);
  expect(a.texts()).toEqual(['a+b+c']);
  expect(new Set(writes.map(({ pushSeq }) => pushSeq))).toEqual(new Set([1]));
});

test('a wait ends with its signal and with the space', async () => {
  const { a } = await relayAndDevice();
  a.space.goOffline();
  const write = a.space.push(bytes('x'));
  await expect(write.durable('relay', { signal: AbortSignal.timeout(5) })).rejects.toMatchObject({ name: 'TimeoutError' });
  const waiting = expect(write.durable('relay')).rejects.toMatchObject({ code: 'closed' });
  await a.space.close();
  await waiting;
});
