// The keyring: how the key of a key epoch reaches every device of the roster, by HPKE. Layout: docs/protocol.md section 3.
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { FrameError } from '../../protocol/frame-error.js';
import { domain, hash } from '../../protocol/hash.js';
import { KEYRING_BYTES_MAX, ROSTER_DEVICES_MAX } from '../../protocol/limits.js';
import type { Roster } from '../../protocol/roster.js';
import { NONCE_ZERO, TAG_BYTES, aesOpen, aesSeal, importAesKey } from './aes-gcm.js';
import { derive } from './derive.js';
import { hpkeOpen, hpkeSeal } from './hpke.js';
import type { Random } from './platform.js';
import { SealError } from './seal-error.js';

const FORMAT = 1;
const KEY_BYTES = 32;
const SLOT_BYTES = 112;
const HISTORY_ITEM_BYTES = 36;
const HISTORY_EPOCHS_MAX = 0xffff;

/** Key epoch to epoch key. */
export type EpochKeys = ReadonlyMap<number, Uint8Array>;

/** What a keyring is made of. */
export interface SealKeyringInput {
  readonly space: Uint8Array;
  readonly keyEpoch: number;
  /** The keys of all epochs, `keyEpoch` included. */
  readonly epochKeys: EpochKeys;
  /** The HPKE keys of the roster: root_hpke first, then the devices' in the roster's order. */
  readonly recipients: readonly Uint8Array[];
  readonly random: Random;
}

/** A keyring, the roster that names it, and the HPKE pair of whoever opens it. */
export interface OpenKeyringInput {
  readonly keyring: Uint8Array;
  readonly roster: Roster;
  readonly hpkeSecret: Uint8Array;
  readonly hpke: Uint8Array;
  /** The epoch keys known before; a keyring that contradicts them is refused. */
  readonly known: EpochKeys;
}

/** The HPKE keys a keyring for this roster is sealed to, in their order. */
export function keyringRecipients(roster: Pick<Roster, 'rootHpke' | 'devices'>): Uint8Array[] {
  return [roster.rootHpke, ...roster.devices.map(({ hpke }) => hpke)];
}

/** Seals the epoch key to every recipient. */
export async function sealKeyring(input: SealKeyringInput): Promise<Uint8Array> {
  const { space, keyEpoch, recipients, random } = input;
  const epochKey = input.epochKeys.get(keyEpoch);
  if (epochKey === undefined) throw new RangeError('the key of the keyring\'s own epoch is missing');
  const salt = random(32);
  const info = keyringInfo(space, keyEpoch);
  const slotFor = async (recipient: Uint8Array): Promise<Slot> => {
    const sealed = hpkeSeal({ recipient, info, aad: recipient, plaintext: epochKey, ephemeralSeed: random(32) });
    return { recipient, ...(await sealed) };
  };
  const slots = await Promise.all(recipients.map(slotFor));
  const historyKey = await importAesKey(historyKeyOf(epochKey, salt, space, keyEpoch), 'encrypt');
  const history = await aesSeal(historyKey, NONCE_ZERO, new Uint8Array(), encodeHistory(input.epochKeys, keyEpoch));
  const writer = new ByteWriter().u8(FORMAT).u32(keyEpoch).raw32(salt).u16(slots.length);
  writer.each(slots, (to, slot) => to.raw32(slot.recipient).raw32(slot.enc).fixed(slot.ct, KEY_BYTES + TAG_BYTES)).bytes32(history);
  if (writer.length > KEYRING_BYTES_MAX) throw new SealError('keyring_layout', `a keyring of ${writer.length} bytes`);
  return writer.finish();
}

/** The epoch keys a keyring gives, history included. Throws SealError when it is not the roster's or contradicts what is known. */
export async function openKeyring(input: OpenKeyringInput): Promise<EpochKeys> {
  const { keyring, roster } = input;
  if (!equalBytes(hash(keyring), roster.keyringHash)) throw new SealError('keyring_hash', 'not the keyring the roster names');
  const parsed = parseKeyring(keyring);
  if (parsed.keyEpoch !== roster.keyEpoch) throw new SealError('keyring_conflict', 'of another key epoch than the roster');
  checkSlots(parsed.slots, keyringRecipients(roster));
  const epochKey = await openSlot(input, parsed);
  const keys = await openHistory(roster.space, parsed, epochKey);
  keys.set(parsed.keyEpoch, epochKey);
  for (const [epoch, known] of input.known) {
    if (epoch > parsed.keyEpoch) continue;
    const given = keys.get(epoch);
    if (given === undefined || !equalBytes(given, known)) throw new SealError('keyring_conflict', `another key for epoch ${epoch}`);
    keys.set(epoch, known);
  }
  return keys;
}

interface Slot {
  readonly recipient: Uint8Array;
  readonly enc: Uint8Array;
  readonly ct: Uint8Array;
}

interface ParsedKeyring {
  readonly keyEpoch: number;
  readonly salt: Uint8Array;
  readonly slots: readonly Slot[];
  readonly history: Uint8Array;
}

function parseKeyring(bytes: Uint8Array): ParsedKeyring {
  return wellFormed('keyring_layout', () => {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== FORMAT) throw new SealError('keyring_layout', 'an unknown keyring format');
    const keyEpoch = reader.u32();
    const salt = reader.raw32();
    const slots = reader.list(reader.u16(), ROSTER_DEVICES_MAX + 1, SLOT_BYTES, (from) => ({
      recipient: from.raw32(),
      enc: from.raw32(),
      ct: from.raw(KEY_BYTES + TAG_BYTES),
    }));
    const history = reader.bytes32(KEYRING_BYTES_MAX);
    reader.end();
    return { keyEpoch, salt, slots, history };
  });
}

// A keyring that leaves a device out would split the space silently, so every slot must be there, in order.
function checkSlots(slots: readonly Slot[], recipients: readonly Uint8Array[]): void {
  const complete =
    slots.length === recipients.length &&
    slots.every(({ recipient }, i) => equalBytes(recipient, recipients[i] ?? new Uint8Array()));
  if (!complete) throw new SealError('keyring_slots', 'the slots are not those of the roster');
}

async function openSlot(input: OpenKeyringInput, parsed: ParsedKeyring): Promise<Uint8Array> {
  const slot = parsed.slots.find(({ recipient }) => equalBytes(recipient, input.hpke));
  if (slot === undefined) throw new SealError('keyring_slots', 'no slot for this device');
  const { recipient, enc, ct } = slot;
  const info = keyringInfo(input.roster.space, parsed.keyEpoch);
  const epochKey = await hpkeOpen({ secret: input.hpkeSecret, enc, info, aad: recipient, sealed: ct });
  if (epochKey === undefined) throw new SealError('keyring_slot', 'the slot of this device does not open');
  return epochKey;
}

async function openHistory(space: Uint8Array, parsed: ParsedKeyring, epochKey: Uint8Array): Promise<Map<number, Uint8Array>> {
  const key = await importAesKey(historyKeyOf(epochKey, parsed.salt, space, parsed.keyEpoch), 'decrypt');
  const plaintext = await aesOpen(key, NONCE_ZERO, new Uint8Array(), parsed.history);
  if (plaintext === undefined) throw new SealError('keyring_history', 'the history does not open');
  return wellFormed('keyring_history', () => {
    const reader = new ByteReader(plaintext);
    const keys = new Map<number, Uint8Array>();
    let before = 0;
    for (const [epoch, earlier] of reader.list(reader.u16(), HISTORY_EPOCHS_MAX, HISTORY_ITEM_BYTES, readHistoryItem)) {
      if (epoch <= before || epoch >= parsed.keyEpoch) throw new SealError('keyring_history', 'epochs out of order');
      keys.set(epoch, earlier);
      before = epoch;
    }
    reader.end();
    return keys;
  });
}

function readHistoryItem(reader: ByteReader): readonly [number, Uint8Array] {
  return [reader.u32(), reader.raw32()];
}

function encodeHistory(epochKeys: EpochKeys, keyEpoch: number): Uint8Array {
  const earlier = [...epochKeys].filter(([epoch]) => epoch < keyEpoch).toSorted(([a], [b]) => a - b);
  const writer = new ByteWriter(2 + HISTORY_ITEM_BYTES * earlier.length).u16(earlier.length);
  return writer.each(earlier, (to, [epoch, key]) => to.u32(epoch).raw32(key)).finish();
}

function keyringInfo(space: Uint8Array, keyEpoch: number): Uint8Array {
  return new ByteWriter(64).raw(domain('keyring')).raw32(space).u32(keyEpoch).finish();
}

function historyKeyOf(epochKey: Uint8Array, salt: Uint8Array, space: Uint8Array, keyEpoch: number): Uint8Array {
  return derive(epochKey, salt, 'keyring-history', new ByteWriter(36).raw32(space).u32(keyEpoch).finish(), 32);
}

function wellFormed<T>(code: 'keyring_layout' | 'keyring_history', read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof FrameError) throw new SealError(code, cause.message, { cause });
    throw cause;
  }
}
