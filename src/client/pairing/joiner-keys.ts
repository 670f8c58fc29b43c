// What a device tells of itself before it is let in: its public keys, and its name.
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import { FrameError } from '../../protocol/frame-error.js';
import { isSoundKey } from '../../protocol/ed25519-strict.js';
import { DEVICE_NAME_CHARS_MAX } from '../limits.js';

const FORMAT = 1;

export interface JoinerKeys {
  readonly key: Uint8Array;
  readonly hpke: Uint8Array;
  readonly name: string;
}

export function encodeJoinerKeys({ key, hpke, name }: JoinerKeys): Uint8Array {
  return new ByteWriter().u8(FORMAT).raw32(key).raw32(hpke).bytes16(new TextEncoder().encode(name)).finish();
}

/** Undefined when the bytes are no keys. */
export function decodeJoinerKeys(bytes: Uint8Array): JoinerKeys | undefined {
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== FORMAT) return undefined;
    const keys = { key: reader.raw32().slice(), hpke: reader.raw32().slice(), name: new TextDecoder().decode(reader.raw(reader.u16())).slice(0, DEVICE_NAME_CHARS_MAX) };
    reader.end();
    return isSoundKey(keys.key) ? keys : undefined;
  } catch (cause) {
    if (cause instanceof FrameError) return undefined;
    throw cause;
  }
}
