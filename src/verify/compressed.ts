// Compressed streams inside a sink: a leak could hide in one. They are opened, and what comes out is searched too.
import * as zlib from 'node:zlib';

/** A compressed part: how it was packed, and what was in it. */
export interface Unpacked {
  readonly how: 'gzip: ' | 'deflate: ' | 'zstd: ' | 'br: ';
  readonly bytes: Uint8Array;
}

const UNPACKED_BYTES_MAX = 64 * 1024 * 1024;
const PACKED_BYTES_MAX = 1024 * 1024;
/** Streams opened in one piece; random bytes look like the start of one now and then. */
const STREAMS_MAX = 4096;

type UnpackZstd = (bytes: Uint8Array, options: object) => Buffer;
const zstd = (zlib as unknown as { zstdDecompressSync?: UnpackZstd }).zstdDecompressSync;

/** Kinds of compressed streams that are opened; zstd only where Node can. */
export const COMPRESSIONS: readonly string[] = ['gzip', 'deflate', ...(zstd === undefined ? [] : ['zstd']), 'br'];
/** Why one is missing, if so. */
export const COMPRESSIONS_MISSING: readonly string[] = zstd === undefined ? ['zstd (this Node cannot open it)'] : [];

/** Whatever can be opened in these bytes: streams with a mark anywhere, and brotli, which has none, from the start. */
export function unpacked(bytes: Uint8Array): Unpacked[] {
  const found: Unpacked[] = [];
  for (let at = 0; at + 4 < bytes.length && found.length < STREAMS_MAX; at += 1) {
    const how = markAt(bytes, at);
    if (how === undefined) continue;
    const opened = open(how, bytes.subarray(at, at + PACKED_BYTES_MAX));
    if (opened !== undefined) found.push({ how, bytes: opened });
  }
  const whole = open('br: ', bytes.subarray(0, PACKED_BYTES_MAX));
  return whole === undefined ? found : [...found, { how: 'br: ', bytes: whole }];
}

function markAt(bytes: Uint8Array, at: number): Unpacked['how'] | undefined {
  const first = bytes[at];
  if (first === 0x1f) return bytes[at + 1] === 0x8b && bytes[at + 2] === 8 ? 'gzip: ' : undefined;
  if (first === 0x78) return ((0x7800 | (bytes[at + 1] ?? 0)) % 31 === 0) ? 'deflate: ' : undefined;
  if (first === 0x28) return bytes[at + 1] === 0xb5 && bytes[at + 2] === 0x2f && bytes[at + 3] === 0xfd ? 'zstd: ' : undefined;
  return undefined;
}

// A stream that is cut, or followed by something else, gives what can be had of it.
function open(how: Unpacked['how'], bytes: Uint8Array): Uint8Array | undefined {
  const options = { finishFlush: zlib.constants.Z_SYNC_FLUSH, maxOutputLength: UNPACKED_BYTES_MAX };
  try {
    // What follows a member is no error: the data without its head is opened, which says nothing of an end.
    if (how === 'gzip: ') return zlib.inflateRawSync(bytes.subarray(gzipHeadBytes(bytes)), options);
    if (how === 'deflate: ') return zlib.inflateSync(bytes, options);
    if (how === 'zstd: ') return zstd?.(bytes, { maxOutputLength: UNPACKED_BYTES_MAX });
    return zlib.brotliDecompressSync(bytes, { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH, maxOutputLength: UNPACKED_BYTES_MAX });
  } catch {
    // What cannot be opened is no such stream.
    return undefined;
  }
}

/** Length of the head of a gzip member (RFC 1952). */
function gzipHeadBytes(bytes: Uint8Array): number {
  const flags = bytes[3] ?? 0;
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
  // Name and comment end with a zero byte each.
  for (const flag of [8, 16]) if ((flags & flag) !== 0) at = bytes.indexOf(0, at) + 1;
  return (flags & 2) === 0 ? at : at + 2;
}
