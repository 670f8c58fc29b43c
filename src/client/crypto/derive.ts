// HKDF-SHA-256 as docs/protocol.md section 8 uses it, with the keys of an epoch derived once.
import type { DomainName } from '../../protocol/hash.js';
import { domain } from '../../protocol/hash.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import { toHex } from '../../protocol/hex.js';
import { hkdfExpand, hkdfExtract } from '../../protocol/sha256.js';

/** HKDF-SHA-256 with info = D(name) ‖ the given bytes. */
export function derive(ikm: Uint8Array, salt: Uint8Array | undefined, name: DomainName, about: Uint8Array, length: number): Uint8Array {
  const info = new ByteWriter(128).raw(domain(name)).raw(about).finish();
  return hkdfExpand(hkdfExtract(ikm, salt), info, length);
}

/** The two keys of one key epoch in one space; a courier may be given only the header half. */
export interface EpochHalves {
  readonly header: Uint8Array;
  readonly content: Uint8Array;
}

// Weak, so that forgetting an epoch key forgets what was derived from it.
const halvesByEpochKey = new WeakMap<Uint8Array, Map<string, EpochHalves>>();

/** The halves of an epoch key. Cached by the key object, whose bytes must not change afterwards. */
export function epochHalves(epochKey: Uint8Array, space: Uint8Array): EpochHalves {
  const bySpace = halvesByEpochKey.get(epochKey) ?? new Map<string, EpochHalves>();
  halvesByEpochKey.set(epochKey, bySpace);
  const name = toHex(space);
  const known = bySpace.get(name);
  if (known !== undefined) return known;
  const halves = {
    header: derive(epochKey, undefined, 'header-epoch', space, 32),
    content: derive(epochKey, undefined, 'content-epoch', space, 32),
  };
  bySpace.set(name, halves);
  return halves;
}
