// Ids of dialect C: CIDs of version 1 in lower-case base32.
import { blake3 } from '@noble/hashes/blake3.js';

const DIGITS = 'abcdefghijklmnopqrstuvwxyz234567';
/** What stands before the digest of an entry: version 1, DAG-CBOR, BLAKE3 of 32 bytes. */
const ENTRY_PREFIX = Uint8Array.of(0x01, 0x71, 0x1e, 32);

/** The id of an entry with these canonical bytes. */
export function cidOfEntry(canonical: Uint8Array): string {
  const bytes = new Uint8Array(ENTRY_PREFIX.length + 32);
  bytes.set(ENTRY_PREFIX);
  bytes.set(blake3(canonical), ENTRY_PREFIX.length);
  return cidText(bytes);
}

/** As text. */
export function cidText(bytes: Uint8Array): string {
  let [text, bits, count] = ['b', 0, 0];
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
    count += 8;
    while (count >= 5) {
      count -= 5;
      text += DIGITS[(bits >> count) & 31];
    }
    bits &= (1 << count) - 1;
  }
  return count > 0 ? text + DIGITS[(bits << (5 - count)) & 31] : text;
}

/** The bytes of a text that is a CID of version 1, written as cidText writes it; else undefined. */
export function cidBytes(text: string): Uint8Array | undefined {
  if (!text.startsWith('ba')) return undefined;
  const bytes: number[] = [];
  let [bits, count] = [0, 0];
  for (const digit of text.slice(1)) {
    const value = DIGITS.indexOf(digit);
    if (value < 0) return undefined;
    bits = (bits << 5) | value;
    count += 5;
    if (count >= 8) {
      count -= 8;
      bytes.push((bits >> count) & 0xff);
      bits &= (1 << count) - 1;
    }
  }
  const read = Uint8Array.from(bytes);
  return read[0] === 1 && cidText(read) === text ? read : undefined;
}
