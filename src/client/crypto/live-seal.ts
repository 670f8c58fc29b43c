// Sealing of what is never stored (ephemeral frames, messages of topics), suite 1 of docs/protocol.md section 11.
//
// Invariants: a key is made for one device, one session and one key epoch, and no counter is used twice under it; nothing is
// returned before tag, layout, padding and the sender's signature hold.
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { FrameError } from '../../protocol/frame-error.js';
import { domain } from '../../protocol/hash.js';
import { padme } from '../../protocol/padme.js';
import { TAG_BYTES, aesOpen, aesSeal, importAesKey } from './aes-gcm.js';
import { derive, epochHalves } from './derive.js';
import { SealError } from './seal-error.js';

const SUITE = 1;
const FORMAT = 1;
const HEAD_BYTES = 1 + 32 + 8;
const FIELDS_BYTES = 1 + 8 + 8 + 8 + 64 + 4;

/** What a live frame is for; bound into it, so that none can be shown as another. */
export type LivePurpose = 'ephemeral' | 'topic';

/** Where a frame belongs. */
export interface LivePlace {
  readonly space: Uint8Array;
  readonly logId: Uint8Array;
  /** The sender. */
  readonly device: Uint8Array;
  readonly purpose: LivePurpose;
  /** The topic's key; zeros for ephemeral frames. */
  readonly topic: Uint8Array;
  /** The receiver's device; zeros: everyone. */
  readonly to: Uint8Array;
}

/** When it was sealed, by the relay's attested times, and its place in its stream. */
export interface LiveStamp {
  /** Attested time of the welcome of the sender's session. */
  readonly started: number;
  /** Newest attested time the sender knew. */
  readonly logTime: number;
  /** From 1, without gaps in each stream of a topic; 0 for ephemeral frames. */
  readonly number: number;
}

export interface SealLiveInput {
  readonly ed25519: Ed25519;
  readonly seed: Uint8Array;
  readonly key: CryptoKey;
  readonly salt: Uint8Array;
  readonly counter: number;
  readonly keyEpoch: number;
  readonly place: LivePlace;
  readonly stamp: LiveStamp;
  readonly payload: Uint8Array;
}

export interface OpenLiveInput {
  readonly ed25519: Ed25519;
  /** The sender's key for a salt, in the frame's key epoch. */
  readonly keyOf: (salt: Uint8Array) => Promise<CryptoKey>;
  readonly keyEpoch: number;
  readonly place: LivePlace;
  readonly sealed: Uint8Array;
}

export interface OpenedLive extends LiveStamp {
  readonly counter: number;
  readonly payload: Uint8Array;
}

/** The sealed size of a payload. */
export function liveSealedBytes(payloadBytes: number): number {
  return padme(HEAD_BYTES + FIELDS_BYTES + payloadBytes + TAG_BYTES);
}

/** The largest payload whose sealed form has at most so many bytes, a number on the grid. */
export function livePayloadBytesMax(sealedBytesMax: number): number {
  return sealedBytesMax - HEAD_BYTES - FIELDS_BYTES - TAG_BYTES;
}

/** The key of one device under one salt. */
export function liveKey(epochKey: Uint8Array, space: Uint8Array, device: Uint8Array, salt: Uint8Array, use: 'seal' | 'open'): Promise<CryptoKey> {
  const about = new ByteWriter(64).raw32(space).raw32(device).finish();
  return importAesKey(derive(epochHalves(epochKey, space).content, salt, 'live-key', about, 32), use === 'seal' ? 'encrypt' : 'decrypt');
}

/** A topic's rendezvous key: without a key of the space nobody can tell which name it stands for. */
export function topicKey(epochKey: Uint8Array, space: Uint8Array, name: string): Uint8Array {
  const about = new ByteWriter(64).raw32(space).raw(new TextEncoder().encode(name)).finish();
  return derive(epochHalves(epochKey, space).content, undefined, 'topic', about, 32);
}

export async function sealLive(input: SealLiveInput): Promise<Uint8Array> {
  const { place, stamp, payload, salt, counter } = input;
  const fields = boundFields(place, input.keyEpoch, salt, counter);
  const signature = await input.ed25519.sign(input.seed, signingBytes(fields, stamp, payload));
  const length = liveSealedBytes(payload.length) - HEAD_BYTES - TAG_BYTES;
  const plaintext = new ByteWriter(length).u8(FORMAT).u64(stamp.started).u64(stamp.logTime).u64(stamp.number).fixed(signature, 64).bytes32(payload);
  plaintext.zeros(length - plaintext.length);
  const sealed = await aesSeal(input.key, nonce(counter), associatedData(fields), plaintext.finish());
  return new ByteWriter(HEAD_BYTES + sealed.length).u8(SUITE).raw32(salt).u64(counter).raw(sealed).finish();
}

/** Opens one frame; throws SealError for anything that does not hold. Freshness, order and rights are judged by the caller. */
export async function openLive(input: OpenLiveInput): Promise<OpenedLive> {
  const { sealed, place } = input;
  const head = parseHead(sealed);
  const key = await input.keyOf(head.salt);
  const fields = boundFields(place, input.keyEpoch, head.salt, head.counter);
  const plaintext = await aesOpen(key, nonce(head.counter), associatedData(fields), head.body);
  if (plaintext === undefined) throw new SealError('content', 'the tag does not hold');
  const { signature, ...opened } = parsePlaintext(plaintext);
  const holds = await input.ed25519.verify(place.device, signingBytes(fields, opened, opened.payload), signature);
  if (!holds) throw new SealError('signature', 'not signed by the device it came from');
  return { ...opened, counter: head.counter };
}

function parseHead(sealed: Uint8Array): { salt: Uint8Array; counter: number; body: Uint8Array } {
  if (sealed.length < HEAD_BYTES + FIELDS_BYTES + TAG_BYTES) throw new SealError('live_layout', 'too short');
  if (padme(sealed.length) !== sealed.length) throw new SealError('padding', 'a length beside the grid');
  return parsed(() => {
    const reader = new ByteReader(sealed);
    const suite = reader.u8();
    if (suite !== SUITE) throw new SealError('suite', `suite ${suite} is not known`);
    return { salt: reader.raw32(), counter: reader.u64(), body: reader.raw(reader.remaining) };
  });
}

function parsePlaintext(plaintext: Uint8Array): LiveStamp & { signature: Uint8Array; payload: Uint8Array } {
  return parsed(() => {
    const reader = new ByteReader(plaintext);
    if (reader.u8() !== FORMAT) throw new SealError('live_layout', 'an unknown format');
    const stamp = { started: reader.u64(), logTime: reader.u64(), number: reader.u64() };
    const opened = { ...stamp, signature: reader.raw(64), payload: reader.bytes32() };
    if (reader.raw(reader.remaining).some((byte) => byte !== 0)) throw new SealError('padding', 'bytes other than zero');
    return opened;
  });
}

function parsed<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof FrameError) throw new SealError('live_layout', cause.message, { cause });
    throw cause;
  }
}

// Everything a frame is bound to beside its content.
function boundFields(place: LivePlace, keyEpoch: number, salt: Uint8Array, counter: number): Uint8Array {
  const writer = new ByteWriter(256).raw32(place.space).raw32(place.logId).raw32(place.device).u32(keyEpoch).u8(SUITE).raw32(salt).u64(counter);
  return writer.u8(place.purpose === 'topic' ? 1 : 0).raw32(place.topic).raw32(place.to).finish();
}

function associatedData(fields: Uint8Array): Uint8Array {
  return new ByteWriter(256).raw(domain('live-aad')).raw(fields).finish();
}

function signingBytes(fields: Uint8Array, stamp: LiveStamp, payload: Uint8Array): Uint8Array {
  const writer = new ByteWriter(384 + payload.length).raw(domain('live-signature')).raw(fields);
  return writer.u64(stamp.started).u64(stamp.logTime).u64(stamp.number).raw(payload).finish();
}

function nonce(counter: number): Uint8Array {
  return new ByteWriter(12).zeros(4).u64(counter).finish();
}
