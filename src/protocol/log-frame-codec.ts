// Bytes of Receipt and Entries, the two frames that carry the log.
import { readAttestation, writeAttestation } from './attestation.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { FrameError } from './frame-error.js';
import { ENTRIES_ITEMS_MAX, GROUP_PATH_MAX } from './limits.js';
import type { InclusionPath } from './merkle.js';
import type { EntriesFrame, EntryItem, ReceiptFrame, ReceiptStatus } from './relay-frame.js';

const STATUS_NUMBER = { stored: 0, duplicate: 1, forgotten: 2 } as const satisfies Record<ReceiptStatus, number>;
const ITEM_SEALED = 0;
const ITEM_OWN = 1;
const MORE = 0x01;
const ITEM_BYTES_MIN = 49;

/** Appends a Receipt's body to a frame. */
export function writeReceipt(writer: ByteWriter, frame: ReceiptFrame): void {
  writer.u64(frame.pushSeqFirst).u16(frame.count).u8(STATUS_NUMBER[frame.status]).u64(frame.seqFirst);
  writeAttestation(writer, frame.attestation);
  if (frame.status !== 'stored') return;
  const { index, leaves, path } = frame.proof;
  writer.u32(index).u32(leaves).u8(path.length).each(path, (to, node) => to.raw32(node));
}

/** The Receipt's body at the reader. */
export function readReceipt(reader: ByteReader): ReceiptFrame {
  const pushSeqFirst = reader.u64();
  const count = reader.u16();
  const status = reader.u8();
  const fields = { type: 'Receipt', pushSeqFirst, count, seqFirst: reader.u64(), attestation: readAttestation(reader) } as const;
  switch (status) {
    case STATUS_NUMBER.stored:
      return { ...fields, status: 'stored', proof: readProof(reader) };
    case STATUS_NUMBER.duplicate:
      return { ...fields, status: 'duplicate' };
    case STATUS_NUMBER.forgotten:
      return { ...fields, status: 'forgotten' };
    default:
      throw new FrameError('malformed_frame', 'an unknown receipt status');
  }
}

function readProof(reader: ByteReader): InclusionPath {
  const index = reader.u32();
  const leaves = reader.u32();
  return { index, leaves, path: reader.list32(reader.u8(), GROUP_PATH_MAX) };
}

/** Appends the body of an Entries frame. */
export function writeEntries(writer: ByteWriter, frame: EntriesFrame): void {
  writer.u32(frame.request).u8(frame.more ? MORE : 0).u64(frame.firstSeq);
  writer.u16(frame.items.length).each(frame.items, writeItem);
  writeAttestation(writer, frame.attestation);
}

/** The body of an Entries frame at the reader. */
export function readEntries(reader: ByteReader): EntriesFrame {
  const request = reader.u32();
  const flags = reader.u8();
  if ((flags & ~MORE) !== 0) throw new FrameError('malformed_frame', 'an unknown flag');
  const firstSeq = reader.u64();
  const items = reader.list(reader.u16(), ENTRIES_ITEMS_MAX, ITEM_BYTES_MIN, readItem);
  return { type: 'Entries', request, more: flags === MORE, firstSeq, items, attestation: readAttestation(reader) };
}

function writeItem(writer: ByteWriter, item: EntryItem): void {
  writer.raw32(item.device).u64(item.pushSeq).u32(item.keyEpoch);
  if (item.kind === 'sealed') writer.u8(ITEM_SEALED).bytes32(item.sealed);
  else writer.u8(ITEM_OWN).raw32(item.entryId);
}

function readItem(reader: ByteReader): EntryItem {
  const fields = { device: reader.raw32(), pushSeq: reader.u64(), keyEpoch: reader.u32() };
  const kind = reader.u8();
  if (kind === ITEM_SEALED) return { ...fields, kind: 'sealed', sealed: reader.bytes32() };
  if (kind === ITEM_OWN) return { ...fields, kind: 'own', entryId: reader.raw32() };
  throw new FrameError('malformed_frame', 'an unknown kind of item');
}
