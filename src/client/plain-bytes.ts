// What an app gives as bytes: JavaScript lets it give a text, which would become zeros on the way, and a Buffer, whose slice() is no copy.
import { ClientError } from './client-error.js';

/** The same memory as a plain Uint8Array. Throws `bad_option` when it is none. */
export function plainBytes(given: Uint8Array): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(given) && given.BYTES_PER_ELEMENT === 1) return new Uint8Array(given.buffer as ArrayBuffer, given.byteOffset, given.byteLength);
  throw new ClientError('bad_option', 'this is no Uint8Array', { hint: 'Turn a text into bytes with new TextEncoder().encode(text).' });
}
