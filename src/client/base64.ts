// Base64 as foreign protocols carry bytes in JSON (RFC 4648 section 4). By tables: the encoders of platforms take a hundred times as long for megabytes.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const LETTERS = new TextEncoder().encode(ALPHABET);
const PAD = 61;
const NONE = 0xff;
const VALUES = new Uint8Array(256).fill(NONE);
LETTERS.forEach((letter, value) => (VALUES[letter] = value));

/** The text of the bytes, padded. */
export function toBase64(bytes: Uint8Array): string {
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(PAD);
  const letter = (bits: number): number => LETTERS[bits & 0x3f] ?? PAD;
  let at = 0;
  for (let from = 0; from < bytes.length; from += 3) {
    const left = bytes.length - from;
    const bits = ((bytes[from] ?? 0) << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0);
    text[at] = letter(bits >> 18);
    text[at + 1] = letter(bits >> 12);
    if (left > 1) text[at + 2] = letter(bits >> 6);
    if (left > 2) text[at + 3] = letter(bits);
    at += 4;
  }
  return new TextDecoder('latin1').decode(text);
}

/** The bytes of a text, with or without padding, or undefined when it is none. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const letters = new TextEncoder().encode(text);
  let end = letters.length;
  while (end > 0 && letters.length - end < 2 && letters[end - 1] === PAD) end -= 1;
  if (end % 4 === 1 || (end < letters.length && letters.length % 4 !== 0)) return undefined;
  const bytes = new Uint8Array(Math.floor((end * 3) / 4));
  let at = 0;
  for (let from = 0; from < end; from += 4) {
    const [a, b, c, d] = [valueAt(letters, from, end), valueAt(letters, from + 1, end), valueAt(letters, from + 2, end), valueAt(letters, from + 3, end)];
    if ((a | b | c | d) > 0x3f) return undefined;
    const bits = (a << 18) | (b << 12) | (c << 6) | d;
    bytes[at] = bits >> 16;
    bytes[at + 1] = bits >> 8;
    bytes[at + 2] = bits;
    at += 3;
  }
  return bytes;
}

function valueAt(letters: Uint8Array, at: number, end: number): number {
  return at < end ? (VALUES[letters[at] ?? 0] ?? NONE) : 0;
}
