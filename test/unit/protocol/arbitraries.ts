// Generators of frames and their parts for property tests.
import fc from 'fast-check';
import type { Attestation } from '../../../src/protocol/attestation.js';
import type { ClientFrame } from '../../../src/protocol/client-frame.js';
import type { EntryItem, RelayFrame } from '../../../src/protocol/relay-frame.js';

const U64 = Number.MAX_SAFE_INTEGER;

export const u16 = fc.integer({ min: 0, max: 0xffff });
export const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
export const u64 = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: U64 }), fc.constant(U64));
export const exactly = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
export const key = exactly(32);
export const signature = exactly(64);
export const bytes = fc.uint8Array({ maxLength: 300 });
const bits64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const path = fc.array(key, { maxLength: 17 });
const chain = { chain: fc.array(bytes, { maxLength: 4 }), keyring: bytes };

export const attestation: fc.Arbitrary<Attestation> = fc.record({
  logEpoch: u64,
  size: u64,
  head: key,
  floor: u64,
  time: u64,
  pushes: key,
  salt: exactly(16),
  leafIndex: u32,
  leafCount: u32,
  path,
  signature,
});

const type = <T extends string>(name: T): fc.Arbitrary<T> => fc.constant(name);
const ack = { logEpoch: u64, size: u64, head: key, signature };
const sealed = fc.uint8Array({ minLength: 1, maxLength: 300 });
const topicMessage = { number: u32, toAll: fc.boolean(), peer: u32, keyEpoch: u32, sealed };
const credit = fc.record({ type: type('TopicCredit'), number: u32, peer: u32, bytes: fc.integer({ min: 1, max: 0xffff_ffff }) });
const chunk = fc.record({ type: type('SnapshotChunk'), snapshot: key, index: u32, bytes });

export const clientFrame: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record({
    type: type('Hello'),
    versions: fc.array(u16, { minLength: 1, maxLength: 16 }),
    features: bits64,
    space: key,
    device: key,
    clientNonce: key,
    rosterVersion: u64,
    rosterHash: key,
  }),
  fc.record({ type: type('Proof'), ...chain, signature }),
  fc.record({ type: type('FoundingProof'), ...chain, admission: fc.uint8Array({ minLength: 1, maxLength: 300 }), signature }),
  fc.record({ type: type('Ping'), nonce: u64 }),
  fc.record({
    type: type('Push'),
    pushSeqFirst: fc.integer({ min: 1, max: U64 - 8 }),
    keyEpoch: u32,
    entries: fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 8 }),
  }),
  fc.record({ type: type('Pull'), request: fc.integer({ min: 1, max: 0xffff_ffff }), logEpoch: u64, after: u64, entriesMax: fc.integer({ min: 1, max: 0xffff_ffff }), bytesMax: u32 }),
  fc.record({ type: type('Subscribe'), logEpoch: u64, after: u64, omitOwnBodies: fc.boolean() }),
  fc.record({ type: type('Ack'), ...ack }),
  fc.record({ type: type('RosterPut'), ...chain }),
  fc.record({ type: type('PullLeaves'), request: u32, firstSeq: u64, count: fc.integer({ min: 1, max: 8192 }) }),
  fc.record({ type: type('Purge'), logEpoch: u64, size: fc.integer({ min: 1, max: U64 }), head: key, signature }),
  fc.record({ type: type('Erase'), logEpoch: u64, rosterVersion: u64, rosterHash: key, signature }),
  fc.record({ type: type('SnapshotBegin'), manifest: bytes }),
  chunk,
  fc.record({ type: type('SnapshotGet'), snapshot: key, firstChunk: u32, chunksMax: u32 }),
  fc.record({ type: type('SnapshotAck'), snapshot: key, signature }),
  fc.record({ type: type('EphemeralListen'), listen: fc.boolean() }),
  fc.record({ type: type('EphemeralSend'), keyEpoch: u32, sealed }),
  fc.record({ type: type('TopicJoin'), topic: key }),
  fc.record({ type: type('TopicLeave'), number: u32 }),
  fc.record({ type: type('TopicSend'), ...topicMessage }),
  credit,
);

const itemFields = { device: key, pushSeq: u64, keyEpoch: u32 };
const item: fc.Arbitrary<EntryItem> = fc.oneof(
  fc.record({ ...itemFields, kind: type('sealed'), sealed: bytes }),
  fc.record({ ...itemFields, kind: type('own'), entryId: key }),
);
const receipt = { type: type('Receipt'), pushSeqFirst: u64, count: u16, seqFirst: u64, attestation };
const limits = fc.record({ messageBytesMax: u32, entryBytesMax: u32, pushEntriesMax: u16, pushBytesInFlightMax: u32, heartbeatMs: u32 });

export const relayFrame: fc.Arbitrary<RelayFrame> = fc.oneof(
  fc.record({ type: type('Challenge'), version: u16, features: bits64, logId: key, relayNonce: key }),
  fc.record({
    type: type('Welcome'),
    logEpoch: u64,
    rosterVersion: u64,
    rosterHash: key,
    pushSeqHigh: u64,
    pushSeqBound: fc.boolean(),
    lastEntryId: key,
    limits,
    policy: fc.record({ retentionMs: u64, deviceLeaseMs: u64 }),
    attestation,
    signature,
  }),
  fc.record({ type: type('Error'), code: u16, context: u64, retryAfterMs: u32, detail: bytes }),
  fc.record({ type: type('Goaway'), reason: u16, reconnectAfterMs: u32, reconnectSpreadMs: u32 }),
  fc.record({ type: type('Pong'), nonce: u64, attestation }),
  fc.record({ ...receipt, status: type('stored'), proof: fc.record({ index: u32, leaves: u32, path }) }),
  fc.record({ ...receipt, status: type('duplicate') }),
  fc.record({ ...receipt, status: type('forgotten') }),
  fc.record({ type: type('Entries'), request: u32, more: fc.boolean(), firstSeq: u64, items: fc.array(item, { maxLength: 8 }), attestation }),
  fc.record({ type: type('AckNotice'), device: key, ...ack }),
  fc.record({ type: type('RosterUpdate'), ...chain }),
  fc.record({
    type: type('LogReset'),
    space: key,
    logId: key,
    oldEpoch: fc.integer({ min: 0, max: 1000 }),
    baseSize: u64,
    baseHead: key,
    newEpoch: fc.integer({ min: 1001, max: U64 }),
    time: u64,
    signature,
  }),
  fc.record({ type: type('CursorExpired'), request: u32, attestation }),
  fc.record({ type: type('Purged'), size: u64, attestation }),
  fc.record({ type: type('Leaves'), request: u32, firstSeq: u64, leaves: fc.array(key, { maxLength: 8 }) }),
  chunk,
  fc.record({ type: type('SnapshotStatus'), snapshot: key, nextChunk: u32, stored: fc.boolean() }),
  fc.record({ type: type('SnapshotManifest'), manifest: bytes }),
  fc.record({ type: type('SnapshotDue'), size: u64 }),
  fc.record({ type: type('SessionTicket'), expiresInMs: u32, ticket: fc.uint8Array({ minLength: 40, maxLength: 40 }) }),
  fc.record({ type: type('SessionToken'), expiresInMs: u32, token: fc.uint8Array({ maxLength: 512 }) }),
  fc.record({ type: type('Ephemeral'), device: key, keyEpoch: u32, sealed }),
  fc.record({ type: type('EphemeralMissed'), count: fc.integer({ min: 1, max: U64 }) }),
  fc.record({ type: type('TopicJoined'), topic: key, number: u32, peer: u32 }),
  fc.record({ type: type('TopicPeer'), number: u32, peer: u32, device: key, present: fc.boolean() }),
  fc.record({ type: type('TopicData'), ...topicMessage }),
  credit,
);
