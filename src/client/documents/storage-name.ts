// A name for the storage of a space's device that says nothing about the space to whoever reads names.
import { hash } from '../../protocol/hash.js';
import { parseSpaceLink } from '../../protocol/address.js';
import { toHex } from '../../protocol/hex.js';

const NAME_BYTES = 16;

/** The same for every link of one space; throws as parseSpaceLink does. */
export function storageNameOf(link: string): string {
  return toHex(hash(parseSpaceLink(link).rootSecret).slice(0, NAME_BYTES));
}
