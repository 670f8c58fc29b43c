// The fold, the pair rule and the chains, without any connection.
import { describe, expect, test } from 'vitest';
import type { Attestation } from '../../../src/protocol/attestation.js';
import { ZEROS, hash } from '../../../src/protocol/hash.js';
import { DeviceChains } from '../../../src/client/log/device-chains.js';
import { ReceiptBook } from '../../../src/client/log/receipt-book.js';
import { LogTree } from '../../../src/client/log/log-tree.js';
import { ShownAttestations } from '../../../src/client/log/shown-attestations.js';
import { VerifiedLog } from '../../../src/client/log/verified-log.js';
import { RECENT_HEADS_MAX } from '../../../src/client/limits.js';
import { MisbehaviourError } from '../../../src/client/misbehaviour.js';
import { Outbox } from '../../../src/client/outbox/outbox.js';
import { BatchWrite, WriteTracker } from '../../../src/client/sync/writes.js';
import { MemoryOutboxStore } from '../../../src/client/outbox/outbox-store.js';

const identity = { space: hash(Uint8Array.of(1)), logId: hash(Uint8Array.of(2)) };
const leaf = (n: number): Uint8Array => hash(Uint8Array.of(n & 0xff, n >> 8));

function attestation(size: number, head: Uint8Array, time: number, floor = 1): Attestation {
  const placed = { salt: new Uint8Array(16), leafIndex: 0, leafCount: 1, path: [], signature: new Uint8Array(64) };
  return { logEpoch: 1, size, head, floor, time, pushes: ZEROS, ...placed };
}

function kindOf(work: () => void): string {
  try {
    work();
  } catch (cause) {
    if (cause instanceof MisbehaviourError) return cause.finding.kind;
    throw cause;
  }
  return 'none';
}

describe('the pair rule', () => {
  const shown = new ShownAttestations();
  shown.add(attestation(5, leaf(5), 100));
  shown.add(attestation(5, leaf(5), 140));
  shown.add(attestation(8, leaf(8), 150, 3));
  test.each([
    ['a greater size later', attestation(9, leaf(9), 160, 3), undefined],
    ['a size between, at a time between', attestation(6, leaf(6), 145, 2), undefined],
    ['a smaller size at the same time', attestation(7, leaf(7), 150, 3), undefined],
    ['another head of one size', attestation(5, leaf(6), 120), 'fork'],
    ['an old size after a greater one', attestation(5, leaf(5), 151), 'freeze'],
    ['a greater size before a smaller one', attestation(6, leaf(6), 139), 'freeze'],
    ['a floor that fell', attestation(9, leaf(9), 160, 2), 'rollback'],
  ])('%s', (_name, one, kind) => expect(shown.compare(one)?.kind).toBe(kind));
});

describe('the verified log', () => {
  test('compares an attested head when the fold gets there, early or late', () => {
    const reference = new LogTree(identity);
    const heads = Array.from({ length: 10 }, (_, i) => {
      reference.push(leaf(i));
      return reference.root();
    });
    const log = new VerifiedLog(identity);
    log.admit(attestation(10, heads[9]!, 50));
    log.admit(attestation(4, heads[3]!, 20));
    for (let i = 0; i < 5; i += 1) log.push(leaf(i));
    expect(log.verified?.size).toBe(4);
    log.admit(attestation(5, heads[4]!, 30));
    expect(log.verified?.size).toBe(5);
    for (let i = 5; i < 9; i += 1) log.push(leaf(i));
    expect(kindOf(() => log.push(leaf(77)))).toBe('fork');
  });

  test('tells recent heads, and goes on after a restart', () => {
    const log = new VerifiedLog(identity);
    const heads: Uint8Array[] = [];
    for (let i = 0; i < 2 * RECENT_HEADS_MAX + 10; i += 1) {
      log.push(leaf(i));
      if (i % 1000 === 0) heads.push(log.tree.root());
    }
    expect(log.headAt(8001)).toEqual(heads[8]);
    expect(log.headAt(1)).toBeUndefined();
    log.admit(attestation(log.size, log.tree.root(), 9));
    const again = new VerifiedLog(identity, log.state());
    expect(again.tree.root()).toEqual(log.tree.root());
    expect(kindOf(() => again.admit(attestation(log.size, leaf(0), 10)))).toBe('fork');
  });

  test('settles a claim of another device when the fold gets there', () => {
    const log = new VerifiedLog(identity);
    const claim = { device: leaf(1), logEpoch: 1, size: 2, frame: Uint8Array.of(1) };
    expect(log.claim({ ...claim, head: leaf(9) })).toEqual([]);
    expect(log.push(leaf(0))).toEqual([]);
    expect(log.push(leaf(1)).map(({ kind }) => kind)).toEqual(['fork']);
    expect(log.claim({ ...claim, head: log.headAt(2)! })).toEqual([]);
  });
});

test('the head of an ended tree is known where the present one begins', () => {
  const ended = new LogTree(identity);
  for (let i = 0; i < 3; i += 1) ended.push(leaf(i));
  const baseHead = ended.root();
  const tree = new LogTree(identity);
  for (let i = 0; i < 2; i += 1) tree.push(leaf(i));
  tree.follow({ ...identity, oldEpoch: 1, baseSize: 3, baseHead, newEpoch: 7, time: 0, signature: new Uint8Array(64) });
  tree.push(leaf(2));
  expect([tree.logEpoch, tree.size]).toEqual([7, 3]);
  expect(tree.headIn(1, 3)).toEqual(baseHead);
  expect(tree.headIn(7, 3)).toEqual(tree.root());
  expect(tree.root()).not.toEqual(baseHead);
  expect(tree.headIn(1, 2)).toBeUndefined();
});

describe('chains of devices', () => {
  const entry = (pushSeq: number) => ({ device: leaf(1), pushSeq, entryId: leaf(100 + pushSeq) });

  test('name what an entry must continue', () => {
    const chains = new DeviceChains();
    expect(chains.note(entry(1), 1, [])).toEqual({ deliver: true, previous: ZEROS });
    expect(chains.note(entry(2), 1, [])).toEqual({ deliver: true, previous: leaf(101) });
  });

  test('tell omission, reordering and replay apart', () => {
    const chains = (): DeviceChains => {
      const started = new DeviceChains();
      started.note(entry(1), 1, []);
      return started;
    };
    expect(kindOf(() => chains().note(entry(3), 1, []))).toBe('omission');
    expect(kindOf(() => chains().note(entry(3), 1, [entry(2)]))).toBe('reorder');
    expect(kindOf(() => chains().note(entry(1), 1, []))).toBe('replayed_entry');
  });

  test('a snapshot made after a reset, before its author saw everything pushed again, accuses nobody', () => {
    const chains = (logEpoch: number): DeviceChains => {
      const started = new DeviceChains();
      started.startFrom([entry(2)], logEpoch);
      return started;
    };
    const later = chains(7);
    expect(later.note(entry(1), 7, [])).toEqual({ deliver: false, previous: undefined });
    expect(later.note(entry(2), 7, []).deliver).toBe(false);
    expect(later.note(entry(3), 7, [])).toEqual({ deliver: true, previous: leaf(102) });
    expect(kindOf(() => later.note(entry(3), 7, []))).toBe('replayed_entry');
    expect(kindOf(() => chains(1).note(entry(1), 1, []))).toBe('replayed_entry');
  });

  test('entries of a device that the author of a snapshot never saw are not handed on twice either', () => {
    const chains = new DeviceChains();
    for (const pushSeq of [1, 2]) chains.note(entry(pushSeq), 1, []);
    chains.startFrom([{ device: leaf(2), pushSeq: 5, entryId: leaf(205) }], 7);
    expect(chains.note(entry(1), 7, [])).toEqual({ deliver: false, previous: ZEROS });
    expect(chains.note(entry(2), 7, []).deliver).toBe(false);
    expect(chains.note(entry(3), 7, [])).toEqual({ deliver: true, previous: leaf(102) });
  });

  test('entries pushed again after a reset are not handed on twice', () => {
    const chains = new DeviceChains();
    for (const pushSeq of [1, 2, 3]) chains.note(entry(pushSeq), 1, []);
    expect(chains.note(entry(2), 7, []).deliver).toBe(false);
    expect(chains.note(entry(3), 7, []).deliver).toBe(false);
    expect(chains.note(entry(4), 7, [])).toEqual({ deliver: true, previous: leaf(103) });
  });
});

describe('receipts', () => {
  const duplicate = { type: 'Receipt', pushSeqFirst: 7, count: 1, status: 'duplicate', seqFirst: 3, attestation: attestation(5, leaf(5), 10) } as const;
  const evidence = { frame: duplicate, raw: Uint8Array.of(0x11) };

  test('a duplicate must be in the log when the fold is there', () => {
    const book = new ReceiptBook();
    book.owe(7, evidence);
    expect(kindOf(() => book.reached(4, () => false))).toBe('none');
    expect(kindOf(() => book.reached(5, () => false))).toBe('receipt_broken');
    expect(kindOf(() => book.reached(5, () => true))).toBe('none');
    expect(kindOf(() => book.reached(6, () => false))).toBe('none');
  });

  test('another entry at a promised seq breaks the receipt', () => {
    const book = new ReceiptBook();
    book.promise(3, 7, evidence);
    expect(kindOf(() => book.found(2, undefined))).toBe('none');
    expect(kindOf(() => book.found(3, 8))).toBe('receipt_broken');
    expect(kindOf(() => book.check(leaf(1), [leaf(2), leaf(3)], evidence))).toBe('receipt_broken');
  });
});

describe('a long log', () => {
  // Each of these is asked for once per entry of a replay; done by going through what is held, it would take many minutes.
  test('old heads are told without hashing again, and what was sent is not searched', { timeout: 60_000 }, async () => {
    const entries = 20_000;
    const log = new VerifiedLog(identity);
    const heads: Uint8Array[] = [];
    let found = 0;
    const claim = { device: leaf(1), logEpoch: 1, frame: new Uint8Array(1) };
    for (let size = 1; size <= entries; size += 1) {
      log.push(leaf(size));
      if (size > entries - 3000) heads.push(log.headAt(size)!);
      const seen = Math.max(1, size - 2000);
      found += log.claim({ ...claim, size: seen, head: log.headAt(seen)! }).length;
    }
    expect(log.headAt(entries - 2999)).toEqual(heads[0]);
    expect(found).toBe(0);
    const store = new MemoryOutboxStore();
    await store.put(Array.from({ length: entries }, (_, i) => ({ pushSeq: i + 1, keyEpoch: 1, entryId: ZEROS, sealed: new Uint8Array(1), seq: i + 1 })));
    const outbox = await Outbox.open(store);
    const writes = new WriteTracker(() => undefined);
    for (let pushSeq = 1; pushSeq <= entries; pushSeq += 1) {
      if (outbox.firstUnsent(entries) !== undefined) found += 1;
      writes.add(pushSeq, new BatchWrite());
      writes.stored(pushSeq, pushSeq);
      writes.acked(claim.device, pushSeq);
    }
  });
});

describe('the outbox', () => {
  const made = (pushSeq: number, size = 10) => ({ pushSeq, keyEpoch: 1, entryId: leaf(pushSeq), sealed: new Uint8Array(size), seq: 0 });

  test('counts what is unsent and held, releases from the front, and never what no relay holds', async () => {
    const store = new MemoryOutboxStore();
    const outbox = await Outbox.open(store);
    for (const pushSeq of [4, 5, 6]) await outbox.append(made(pushSeq));
    await outbox.markStored([
      [4, 20],
      [5, 22],
    ]);
    expect([outbox.unsentBytes, outbox.heldBytes, outbox.storedPushSeq]).toEqual([10, 20, 5]);
    expect(await outbox.release(21)).toBe(4);
    expect(await outbox.release(1000)).toBe(5);
    expect(outbox.get(6)?.seq).toBe(0);
    expect((await store.load()).map(({ pushSeq }) => pushSeq)).toEqual([6]);
  });

  test('after a log reset entries above the base are unsent again', async () => {
    const outbox = await Outbox.open(new MemoryOutboxStore());
    for (const pushSeq of [1, 2]) await outbox.append(made(pushSeq));
    await outbox.markStored([
      [1, 1],
      [2, 2],
    ]);
    await outbox.reopen(1);
    expect(outbox.firstUnsent(1)?.pushSeq).toBe(2);
  });

  test('a stored outbox with gaps is damaged', async () => {
    const store = new MemoryOutboxStore();
    await store.put([made(1), made(3)]);
    await expect(Outbox.open(store)).rejects.toMatchObject({ code: 'state_damaged' });
  });
});
