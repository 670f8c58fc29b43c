// Roster statements: the one truth about who may do what in a space. Layout and rules: docs/protocol.md section 3.
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { isSoundKey } from './ed25519-strict.js';
import { compareBytes, equalBytes } from './equal-bytes.js';
import { ZEROS, domain, hash } from './hash.js';
import { ROSTER_DEVICES_MAX, ROSTER_FORMER_MAX } from './limits.js';
import { FrameError } from './frame-error.js';
import { RosterError } from './roster-error.js';

const FORMAT = 1;
const QUEUE_MODE = 0x01;
const SIGNATURE_BYTES = 64;
const DEVICE_BYTES = 73;
const FORMER_BYTES = 40;

/** What a device may do; each level includes the ones before it. */
export type DeviceRights = 'read' | 'write' | 'admin';

const RIGHTS_NUMBER = { read: 1, write: 3, admin: 7 } as const satisfies Record<DeviceRights, number>;

/** A device of the space. */
export interface RosterDevice {
  readonly key: Uint8Array;
  readonly hpke: Uint8Array;
  readonly rights: DeviceRights;
  /** Unix milliseconds; 0: never. */
  readonly notAfter: number;
}

/** A device that left, with the highest push_seq of it that still counts. */
export interface FormerDevice {
  readonly key: Uint8Array;
  readonly pushSeqMax: number;
}

/** The signed fields of a statement. */
export interface RosterFields {
  readonly queueMode: boolean;
  readonly space: Uint8Array;
  readonly version: number;
  readonly previous: Uint8Array;
  readonly keyEpoch: number;
  readonly keyringHash: Uint8Array;
  readonly rootHpke: Uint8Array;
  /** Strictly ascending by key. */
  readonly devices: readonly RosterDevice[];
  /** Strictly ascending by key. */
  readonly former: readonly FormerDevice[];
  readonly signer: Uint8Array;
}

/** A parsed statement with its exact bytes and its hash. */
export interface Roster extends RosterFields {
  readonly signature: Uint8Array;
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
}

/** The text the signer signs. */
export function rosterSigningBytes(fields: RosterFields): Uint8Array {
  return writeFields(new ByteWriter().raw(domain('roster')), fields).finish();
}

/** The complete statement. */
export function encodeRoster(fields: RosterFields, signature: Uint8Array): Uint8Array {
  return writeFields(new ByteWriter(), fields).fixed(signature, SIGNATURE_BYTES).finish();
}

/** Reads one statement; throws RosterError `malformed` when its layout, order or keys are not as stated. The signature is checked by the chain. */
export function parseRoster(bytes: Uint8Array): Roster {
  try {
    const roster = readStatement(bytes);
    checkKeys(roster);
    return roster;
  } catch (cause) {
    if (cause instanceof FrameError) throw new RosterError('malformed', cause.message, { cause });
    throw cause;
  }
}

/** The device with this key, or undefined when it is not in the roster. */
export function deviceOf(roster: RosterFields, key: Uint8Array): RosterDevice | undefined {
  return roster.devices.find((device) => equalBytes(device.key, key));
}

/** The former device with this key. */
export function formerOf(roster: RosterFields, key: Uint8Array): FormerDevice | undefined {
  return roster.former.find((former) => equalBytes(former.key, key));
}

/** Whether the device may write. */
export function mayWrite(device: RosterDevice | undefined): boolean {
  return device !== undefined && device.rights !== 'read';
}

/** Whether the root signed the statement. */
export function isRootSigned(roster: RosterFields): boolean {
  return equalBytes(roster.signer, roster.space);
}

/** Whether an entry of this device and push_seq counts: written by a writer, or by a former one before it left. */
export function entryAllowed(roster: RosterFields, device: Uint8Array, pushSeq: number): boolean {
  if (mayWrite(deviceOf(roster, device))) return true;
  const former = formerOf(roster, device);
  return former !== undefined && pushSeq <= former.pushSeqMax;
}

function readStatement(bytes: Uint8Array): Roster {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== FORMAT) throw new FrameError('malformed_frame', 'an unknown roster format');
  const flags = reader.u8();
  if ((flags & ~QUEUE_MODE) !== 0) throw new FrameError('malformed_frame', 'an unknown flag');
  const roster = {
    queueMode: flags === QUEUE_MODE,
    space: reader.raw32(),
    version: reader.u64(),
    previous: reader.raw32(),
    keyEpoch: reader.u32(),
    keyringHash: reader.raw32(),
    rootHpke: reader.raw32(),
    devices: reader.list(reader.u16(), ROSTER_DEVICES_MAX, DEVICE_BYTES, readDevice),
    former: reader.list(reader.u16(), ROSTER_FORMER_MAX, FORMER_BYTES, (from) => ({ key: from.raw32(), pushSeqMax: from.u64() })),
    signer: reader.raw32(),
    signature: reader.raw(SIGNATURE_BYTES),
    bytes,
    hash: hash(bytes),
  };
  reader.end();
  return roster;
}

function readDevice(reader: ByteReader): RosterDevice {
  const key = reader.raw32();
  const hpke = reader.raw32();
  const rights = rightsFrom(reader.u8());
  return { key, hpke, rights, notAfter: reader.u64() };
}

function rightsFrom(number: number): DeviceRights {
  if (number === RIGHTS_NUMBER.read) return 'read';
  if (number === RIGHTS_NUMBER.write) return 'write';
  if (number === RIGHTS_NUMBER.admin) return 'admin';
  throw new FrameError('malformed_frame', 'unknown rights');
}

function checkKeys(roster: Roster): void {
  if (roster.version === 0 || roster.keyEpoch === 0) throw new RosterError('malformed', 'a version or key epoch of 0');
  checkAscending(roster.devices);
  checkAscending(roster.former);
  const keys = [roster.space, roster.signer, ...roster.devices.map(({ key }) => key), ...roster.former.map(({ key }) => key)];
  if (!keys.every(isSoundKey)) throw new RosterError('malformed', 'a key that is no point, of small order or not in canonical form');
  if (roster.version === 1 && !equalBytes(roster.previous, ZEROS)) throw new RosterError('malformed', 'a first version with a previous one');
  if (deviceOf(roster, roster.space) !== undefined || formerOf(roster, roster.space) !== undefined) {
    throw new RosterError('malformed', 'the space id listed as a device');
  }
  const former = new Set(roster.former.map(({ key }) => key.join()));
  if (roster.devices.some(({ key }) => former.has(key.join()))) throw new RosterError('malformed', 'a device both present and former');
}

function checkAscending(listed: readonly { readonly key: Uint8Array }[]): void {
  let before: Uint8Array | undefined;
  for (const { key } of listed) {
    if (before !== undefined && compareBytes(before, key) >= 0) throw new RosterError('malformed', 'keys out of order or doubled');
    before = key;
  }
}

function writeFields(writer: ByteWriter, fields: RosterFields): ByteWriter {
  return writer
    .u8(FORMAT)
    .u8(fields.queueMode ? QUEUE_MODE : 0)
    .raw32(fields.space)
    .u64(fields.version)
    .raw32(fields.previous)
    .u32(fields.keyEpoch)
    .raw32(fields.keyringHash)
    .raw32(fields.rootHpke)
    .u16(fields.devices.length)
    .each(fields.devices, (to, device) => to.raw32(device.key).raw32(device.hpke).u8(RIGHTS_NUMBER[device.rights]).u64(device.notAfter))
    .u16(fields.former.length)
    .each(fields.former, (to, former) => to.raw32(former.key).u64(former.pushSeqMax))
    .raw32(fields.signer);
}
