// Sealing and opening of entries, suite 1 of docs/protocol.md section 8.
//
// Invariants: every entry has fresh keys (a random salt); nothing is returned before the commitment, both tags, the
// content hash, the author's signature and the padding hold; the whole lands on the PADMÉ grid.
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { FrameError } from '../../protocol/frame-error.js';
import { domain, hash } from '../../protocol/hash.js';
import { ENTRY_BYTES_MAX } from '../../protocol/limits.js';
import { padme } from '../../protocol/padme.js';
import { NONCE_ZERO, TAG_BYTES, aesOpen, aesSeal, importAesKey } from './aes-gcm.js';
import { derive, epochHalves } from './derive.js';
import { ENTRY_TYPE_APP, encodeHeader, entrySigningBytes, headerBytes, parseHeader } from './entry-header.js';
import type { EntryHeader, EntryPlace, RosterRef, SeenHead } from './entry-header.js';
import type { DeviceSecret } from './keys.js';
import type { Random } from './platform.js';
import { SealError } from './seal-error.js';

const SUITE = 1;
const ENVELOPE_BYTES = 67;
const LAYER_HEADER = 0;
const LAYER_CONTENT = 1;
const ITEMS_MAX = 0xffff_ffff;
const ITEM_BYTES_MIN = 4;

/** What is sealed into one entry, and under what. */
export interface SealEntryInput {
  /** Data of the app when absent. */
  readonly type?: number;
  readonly ed25519: Ed25519;
  readonly epochKey: Uint8Array;
  readonly keyEpoch: number;
  readonly space: Uint8Array;
  readonly device: DeviceSecret;
  readonly pushSeq: number;
  readonly previous: Uint8Array;
  readonly roster: RosterRef;
  readonly seen: readonly SeenHead[];
  readonly time: number;
  readonly items: readonly Uint8Array[];
  readonly random: Random;
}

/** Sealed bytes, the clear fields they came with, and the key of that epoch. */
export interface OpenEntryInput {
  readonly ed25519: Ed25519;
  readonly epochKey: Uint8Array;
  readonly keyEpoch: number;
  readonly space: Uint8Array;
  readonly device: Uint8Array;
  readonly pushSeq: number;
  readonly sealed: Uint8Array;
}

/** What a device sealed, after every check held. */
export interface OpenedEntry {
  readonly type: number;
  readonly time: number;
  readonly previous: Uint8Array;
  readonly roster: RosterRef;
  readonly seen: readonly SeenHead[];
  readonly items: readonly Uint8Array[];
}

/** The size of the sealed entry that these items will make. */
export function sealedBytes(items: readonly Uint8Array[], seenCount: number): number {
  const content = items.reduce((sum, item) => sum + 4 + item.length, 4);
  return padme(ENVELOPE_BYTES + headerBytes(seenCount) + TAG_BYTES + content + TAG_BYTES);
}

/** Seals items into one entry. Throws SealError `size` when it would be larger than any relay takes. */
export async function sealEntry(input: SealEntryInput): Promise<Uint8Array> {
  const total = sealedBytes(input.items, input.seen.length);
  if (total > ENTRY_BYTES_MAX) throw new SealError('size', `an entry of ${total} bytes; the limit is ${ENTRY_BYTES_MAX}`);
  const salt = input.random(32);
  const place = { space: input.space, device: input.device.key, pushSeq: input.pushSeq, keyEpoch: input.keyEpoch };
  const keys = entryKeys(input.epochKey, input.space, salt);
  const headerLength = headerBytes(input.seen.length) + TAG_BYTES;
  const plaintext = encodeItems(input.items, total - ENVELOPE_BYTES - headerLength - TAG_BYTES);
  const [headerKey, contentKey] = await Promise.all([importAesKey(keys.header, 'encrypt'), importAesKey(keys.content, 'encrypt')]);
  const content = await aesSeal(contentKey, NONCE_ZERO, associatedData(LAYER_CONTENT, place), plaintext);
  const header: EntryHeader = {
    type: input.type ?? ENTRY_TYPE_APP,
    time: input.time,
    previous: input.previous,
    roster: input.roster,
    seen: input.seen,
    contentHash: hash(content),
  };
  const signature = await input.ed25519.sign(input.device.seed, entrySigningBytes(place, SUITE, salt, header));
  const sealedHeader = await aesSeal(headerKey, NONCE_ZERO, associatedData(LAYER_HEADER, place), encodeHeader(header, signature));
  return new ByteWriter(total).u8(SUITE).raw32(salt).raw32(keys.commitment).bytes16(sealedHeader).raw(content).finish();
}

/** Opens one entry; throws SealError for anything that does not hold. Roster and order are judged by the caller. */
export async function openEntry(input: OpenEntryInput): Promise<OpenedEntry> {
  const envelope = parseEnvelope(input.sealed);
  const keys = entryKeys(input.epochKey, input.space, envelope.salt);
  if (!equalBytes(keys.commitment, envelope.commitment)) throw new SealError('commitment', 'sealed under another key');
  const header = await openHeader(input, envelope, keys.header);
  if (!equalBytes(header.contentHash, hash(envelope.content))) throw new SealError('content_hash', 'the content is not the one signed');
  const signed = entrySigningBytes(input, SUITE, envelope.salt, header);
  const [holds, plaintext] = await Promise.all([
    input.ed25519.verify(input.device, signed, header.signature),
    openContent(input, envelope, keys.content),
  ]);
  if (!holds) throw new SealError('signature', 'not signed by the device it came from');
  if (plaintext === undefined) throw new SealError('content', 'the tag does not hold');
  const { type, time, previous, roster, seen } = header;
  return { type, time, previous, roster, seen, items: parseItems(plaintext) };
}

interface Envelope {
  readonly salt: Uint8Array;
  readonly commitment: Uint8Array;
  readonly header: Uint8Array;
  readonly content: Uint8Array;
}

function parseEnvelope(sealed: Uint8Array): Envelope {
  if (sealed.length < ENVELOPE_BYTES) throw new SealError('layout', 'too short to be an entry');
  const reader = new ByteReader(sealed);
  const suite = reader.u8();
  if (suite !== SUITE) throw new SealError('suite', `suite ${suite} is not known`);
  if (padme(sealed.length) !== sealed.length) throw new SealError('padding', 'a length beside the grid');
  const salt = reader.raw32();
  const commitment = reader.raw32();
  const headerLength = reader.u16();
  if (headerLength + TAG_BYTES > reader.remaining) throw new SealError('layout', 'the header does not fit');
  const header = reader.raw(headerLength);
  return { salt, commitment, header, content: reader.raw(reader.remaining) };
}

async function openHeader(place: EntryPlace, envelope: Envelope, key: Uint8Array): Promise<ReturnType<typeof parseHeader>> {
  const headerKey = await importAesKey(key, 'decrypt');
  const plaintext = await aesOpen(headerKey, NONCE_ZERO, associatedData(LAYER_HEADER, place), envelope.header);
  if (plaintext === undefined) throw new SealError('header', 'the tag does not hold');
  return parseHeader(plaintext);
}

async function openContent(place: EntryPlace, envelope: Envelope, key: Uint8Array): Promise<Uint8Array | undefined> {
  const contentKey = await importAesKey(key, 'decrypt');
  return aesOpen(contentKey, NONCE_ZERO, associatedData(LAYER_CONTENT, place), envelope.content);
}

interface EntryKeys {
  readonly header: Uint8Array;
  readonly commitment: Uint8Array;
  readonly content: Uint8Array;
}

function entryKeys(epochKey: Uint8Array, space: Uint8Array, salt: Uint8Array): EntryKeys {
  const halves = epochHalves(epochKey, space);
  const header = derive(halves.header, salt, 'entry-header', space, 64);
  const content = derive(halves.content, salt, 'entry-content', space, 32);
  return { header: header.subarray(0, 32), commitment: header.subarray(32), content };
}

function associatedData(layer: number, place: EntryPlace): Uint8Array {
  const writer = new ByteWriter(128).raw(domain('aad')).u8(layer).raw32(place.space).raw32(place.device);
  return writer.u64(place.pushSeq).u32(place.keyEpoch).u8(SUITE).finish();
}

function encodeItems(items: readonly Uint8Array[], length: number): Uint8Array {
  const writer = new ByteWriter(length).u32(items.length).each(items, (to, item) => to.bytes32(item));
  return writer.zeros(length - writer.length).finish();
}

function parseItems(plaintext: Uint8Array): Uint8Array[] {
  try {
    const reader = new ByteReader(plaintext);
    const items = reader.list(reader.u32(), ITEMS_MAX, ITEM_BYTES_MIN, (from) => from.bytes32());
    if (reader.raw(reader.remaining).some((byte) => byte !== 0)) throw new SealError('padding', 'bytes other than zero');
    return items;
  } catch (cause) {
    if (cause instanceof FrameError) throw new SealError('content', cause.message, { cause });
    throw cause;
  }
}
