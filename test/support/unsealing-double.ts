// A double for controls: it seals nothing, so that a search for plaintext has something to find. Never a public option: it
// enters through the internals that only tests pass.
import { ByteReader } from '../../src/protocol/byte-reader.ts';
import { ByteWriter } from '../../src/protocol/byte-writer.ts';
import { BLOB_SEALING } from '../../src/client/blobs/blob-sealing.ts';
import type { BlobSealing } from '../../src/client/blobs/blob-sealing.ts';
import type { LiveSealer } from '../../src/client/live/live-crypto.ts';
import type { EntrySealer } from '../../src/client/sync/entry-sealer.ts';

/** Entries in the clear: type, previous, time, roster and items, one after the other. */
export const UNSEALED: EntrySealer = {
  async seal({ type = 1, previous, time, roster, items }) {
    const writer = new ByteWriter().u8(type).raw32(previous).u64(time).u64(roster.version).raw32(roster.hash).u32(items.length);
    for (const item of items) writer.bytes32(item);
    return writer.finish();
  },
  async open({ sealed }) {
    const reader = new ByteReader(sealed);
    const type = reader.u8();
    const previous = reader.raw32();
    const time = reader.u64();
    const roster = { version: reader.u64(), hash: reader.raw32() };
    const items = Array.from({ length: reader.u32() }, () => reader.raw(reader.u32()));
    return { type, time, previous, roster, seen: [], items };
  },
};

/** Ephemeral frames and messages of topics in the clear. */
export const UNSEALED_LIVE: LiveSealer = {
  async seal({ counter, stamp, payload }) {
    return new ByteWriter().u64(counter).u64(stamp.started).u64(stamp.logTime).u64(stamp.number).bytes32(payload).finish();
  },
  async open({ sealed }) {
    const reader = new ByteReader(sealed);
    const counter = reader.u64();
    const stamp = { started: reader.u64(), logTime: reader.u64(), number: reader.u64() };
    return { counter, ...stamp, payload: reader.bytes32() };
  },
};

/** Blobs in the clear: each chunk is its content, zeros, and the content's length where a tag would end. */
export const UNSEALED_BLOBS: BlobSealing = {
  header: BLOB_SEALING.header,
  async seal(input) {
    const sealer = await BLOB_SEALING.seal(input);
    return {
      header: sealer.header,
      chunkCount: sealer.chunkCount,
      totalBytes: sealer.totalBytes,
      contentRange: (index) => sealer.contentRange(index),
      seal: async (index, content) => {
        const { length } = await sealer.seal(index, content);
        return new ByteWriter().raw(content).zeros(length - content.length - 4).u32(content.length).finish();
      },
    };
  },
  async open(header, totalBytes, epochKey, space) {
    const opener = await BLOB_SEALING.open(header, totalBytes, epochKey, space);
    return {
      chunkCount: opener.chunkCount,
      chunkBytes: (index) => opener.chunkBytes(index),
      open: async (_, chunk) => chunk.slice(0, new ByteReader(chunk.subarray(-4)).u32()),
    };
  },
};
