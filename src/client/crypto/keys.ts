// The keys a client holds: the root's, derived from the root secret, and a device's, made fresh for each space.
import type { Ed25519 } from '../../protocol/ed25519.js';
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { derive } from './derive.js';
import { publicKeyOf } from './okp-keys.js';
import { subtleCrypto } from './platform.js';
import type { Random } from './platform.js';
import { SealError } from './seal-error.js';

const FORMAT = 1;
const DEVICE_SECRET_BYTES = 129;
const NOTHING = new Uint8Array();

/** The Ed25519 and the X25519 pair of a device or of the root. Plain bytes, so that it can be stored as it is. */
export interface DeviceSecret {
  /** The 32-byte Ed25519 seed. */
  readonly seed: Uint8Array;
  /** The public Ed25519 key: the device's only identifier; of the root, the space id. */
  readonly key: Uint8Array;
  /** The X25519 private key. */
  readonly hpkeSecret: Uint8Array;
  /** The X25519 public key. */
  readonly hpke: Uint8Array;
}

/** Makes the keys of a device for one space. */
export async function generateDeviceSecret(random: Random, ed25519: Ed25519): Promise<DeviceSecret> {
  return completeSecret(random(32), random(32), ed25519);
}

/** Derives the root's keys; `key` is the space id and `hpke` the roster's root_hpke. */
export async function deriveRootSecret(rootSecret: Uint8Array, ed25519: Ed25519): Promise<DeviceSecret> {
  if (rootSecret.length !== 32) throw new SealError('device_secret', 'a root secret has 32 bytes');
  const seed = derive(rootSecret, undefined, 'root-key', NOTHING, 32);
  return completeSecret(seed, derive(rootSecret, undefined, 'root-hpke', NOTHING, 32), ed25519);
}

/** The root secret of a room: a space of its own, whose link follows from that of another space and a name. */
export function deriveRoomSecret(rootSecret: Uint8Array, name: string): Uint8Array {
  if (rootSecret.length !== 32) throw new SealError('device_secret', 'a root secret has 32 bytes');
  return derive(rootSecret, undefined, 'room', new TextEncoder().encode(name), 32);
}

/** One byte string to keep in a key store. */
export function encodeDeviceSecret(secret: DeviceSecret): Uint8Array {
  return new ByteWriter(DEVICE_SECRET_BYTES).u8(FORMAT).raw32(secret.seed).raw32(secret.key).raw32(secret.hpkeSecret).raw32(secret.hpke).finish();
}

/** Reads what `encodeDeviceSecret` wrote; a stored pair whose halves do not belong together is refused. */
export async function decodeDeviceSecret(bytes: Uint8Array, ed25519: Ed25519): Promise<DeviceSecret> {
  if (bytes.length !== DEVICE_SECRET_BYTES || bytes[0] !== FORMAT) throw new SealError('device_secret', 'not a stored device secret');
  const reader = new ByteReader(bytes.slice(1));
  const stored = { seed: reader.raw32(), key: reader.raw32(), hpkeSecret: reader.raw32(), hpke: reader.raw32() };
  const derived = await completeSecret(stored.seed, stored.hpkeSecret, ed25519);
  if (!equalBytes(derived.key, stored.key) || !equalBytes(derived.hpke, stored.hpke)) {
    throw new SealError('device_secret', 'the stored keys do not belong together');
  }
  return stored;
}

async function completeSecret(seed: Uint8Array, hpkeSecret: Uint8Array, ed25519: Ed25519): Promise<DeviceSecret> {
  const [key, hpke] = await Promise.all([ed25519.publicKey(seed), publicKeyOf(subtleCrypto(), 'X25519', hpkeSecret)]);
  return { seed, key, hpkeSecret, hpke };
}
