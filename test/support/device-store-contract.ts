// What every storage of a device must do. Runs under vitest and, bundled, in a page: it throws instead of expecting.
import type { DeviceState, DeviceStore, OutboxEntry } from '../../src/client/index.js';

/** A storage that can be left and opened again. */
export interface StoreUnderTest {
  readonly store: DeviceStore;
  /** Closes it and opens it anew from what lies on disk. */
  reopen(): Promise<DeviceStore>;
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

export function sampleState(pushSeq: number): DeviceState {
  return {
    format: 1,
    relay: 'sealrelay://localhost/',
    space: bytes(1, 2, 255),
    rootSecret: null,
    deviceSecret: bytes(9),
    roster: { chain: [bytes(4), bytes()], keyring: bytes(5), confirmed: true },
    log: null,
    chains: [{ device: bytes(7), pushSeq: 3, entryId: bytes(8), logEpoch: 1, deliveredSeq: 3 }],
    own: { pushSeq, entryId: bytes(6), storedPushSeq: 1 },
    acked: { logEpoch: 1, size: 2, time: 3 },
    policy: { retentionMs: 1, deviceLeaseMs: 2 },
  };
}

export function sampleEntry(pushSeq: number, seq = 0): OutboxEntry {
  return { pushSeq, keyEpoch: 1, entryId: bytes(pushSeq), sealed: new Uint8Array(1000).fill(pushSeq), seq };
}

/** Each case throws what is wrong. */
export const DEVICE_STORE_CASES: Readonly<Record<string, (open: () => Promise<StoreUnderTest>) => Promise<void>>> = {
  'a new storage is empty': async (open) => {
    const { store } = await open();
    same(await store.load(), null);
    same(await store.outbox.load(), []);
    same(await store.journal?.load(), []);
  },
  'the newest state is there after it is opened again': async (open) => {
    const { store, reopen } = await open();
    for (let pushSeq = 1; pushSeq <= 20; pushSeq += 1) await store.save(sampleState(pushSeq));
    same(await store.load(), sampleState(20));
    same(await (await reopen()).load(), sampleState(20));
  },
  'the outbox keeps its order, replaces and forgets': async (open) => {
    const { store, reopen } = await open();
    await store.outbox.put([sampleEntry(2), sampleEntry(1)]);
    await store.outbox.put([sampleEntry(3), sampleEntry(10)]);
    await store.outbox.put([sampleEntry(2, 77)]);
    await store.outbox.remove(1);
    const held = [sampleEntry(2, 77), sampleEntry(3), sampleEntry(10)];
    same(await store.outbox.load(), held);
    const { outbox } = await reopen();
    same(await outbox.load(), held);
    await outbox.remove(10);
    same(await outbox.load(), []);
  },
  'the journal keeps records in order and is replaced whole': async (open) => {
    const { store, reopen } = await open();
    await store.journal?.append([bytes(1), bytes()]);
    await store.journal?.append([bytes(2)]);
    same(await store.journal?.load(), [bytes(1), bytes(), bytes(2)]);
    const { journal } = await reopen();
    same(await journal?.load(), [bytes(1), bytes(), bytes(2)]);
    await journal?.replace([bytes(9)]);
    await journal?.append([bytes(10)]);
    same(await journal?.load(), [bytes(9), bytes(10)]);
  },
};

function same(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(plain(actual)), JSON.stringify(plain(expected))];
  if (a !== b) throw new Error(`got ${a.slice(0, 300)} in place of ${b.slice(0, 300)}`);
}

// Byte strings of another realm, and Node's own kind, are byte strings too.
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return { bytes: [...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)] };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => a.localeCompare(b)).map(([key, field]) => [key, plain(field)]));
}
