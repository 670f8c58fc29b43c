// What a new device needs beside its keys: where the space is, the statement that names the device, and the head the other one has verified.
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import { FrameError } from '../../protocol/frame-error.js';
import { readChainAndKeyring, writeChainAndKeyring } from '../../protocol/roster-chain.js';
import type { ChainAndKeyring } from '../../protocol/roster-chain.js';
import { DEVICE_NAMES_MAX } from '../limits.js';
import type { DeviceName } from './device-names.js';

const FORMAT = 1;
const NAME_BYTES_MIN = 34;

/** Holds no root secret, and no key that is not sealed to its owner. */
export interface SpaceHandover {
  /** The relay address. */
  readonly relay: string;
  readonly space: Uint8Array;
  readonly roster: ChainAndKeyring;
  /** An encoded attestation; null before the first. */
  readonly head: Uint8Array | null;
  readonly names: readonly DeviceName[];
}

export function encodeHandover({ relay, space, roster, head, names }: SpaceHandover): Uint8Array {
  const text = new TextEncoder();
  const writer = new ByteWriter(4096).u8(FORMAT).bytes16(text.encode(relay)).raw32(space);
  writeChainAndKeyring(writer, roster);
  writer.bytes32(head ?? new Uint8Array()).u16(names.length);
  return writer.each(names, (to, { device, name }) => to.raw32(device).bytes16(text.encode(name))).finish();
}

/** Throws FrameError when the bytes are no handover. */
export function decodeHandover(bytes: Uint8Array): SpaceHandover {
  const text = new TextDecoder();
  const reader = new ByteReader(bytes);
  if (reader.u8() !== FORMAT) throw new FrameError('malformed_frame', 'an unknown format of a handover');
  const relay = text.decode(reader.raw(reader.u16()));
  const space = reader.raw32();
  const roster = readChainAndKeyring(reader);
  const head = reader.bytes32();
  const names = reader.list(reader.u16(), DEVICE_NAMES_MAX, NAME_BYTES_MIN, (from) => ({ device: from.raw32(), name: text.decode(from.raw(from.u16())) }));
  reader.end();
  return { relay, space, roster, head: head.length === 0 ? null : head, names };
}
