// Reading of test/vectors, which the Rust side writes and checks as well.
import { readFileSync } from 'node:fs';
import { fromHex } from '../../../src/protocol/hex.js';

/** One file of test/vectors, in the shape its reader expects. */
export function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** The bytes of a hexadecimal field. */
export function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`not hexadecimal: ${text}`);
  return bytes;
}
