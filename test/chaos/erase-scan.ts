// Is anything of an erased space left on disk? Known ciphertext goes through the product, the space is erased, and every file is searched.
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { createSpace, openSpace } from '../../src/client/node.js';
import { blobs } from '../../src/client/blobs/index.js';
import { erasing } from '../../src/client/erasing/index.js';
import type { Space } from '../../src/client/node.js';
import { snapshots } from '../../src/client/snapshots/index.js';
import type { WebSocketConstructor } from '../../src/client/node.js';
import { FRAME_TYPE } from '../../src/protocol/frame-type.js';
import { startRelay } from '../support/relay-process.ts';
import type { RelayProcess } from '../support/relay-process.ts';

/** Within this time after the erasure nothing may be found. */
const CLEAN_MS_MAX = 60_000;
/** What any 16 bytes of ciphertext hold one of, wherever they are cut. */
const PIECE_BYTES = 8;
/** Bytes at the start of a frame that are not ciphertext. */
const FRAMING_BYTES = 64;
/** What lies before the sealed bytes of a blob's file. */
const BLOB_HEADER_BYTES = 128;

export interface EraseScanOptions {
  readonly dataDir: string;
  readonly port: number;
  /** Items, and snapshots and blobs beside them. */
  readonly items: number;
  readonly itemBytes: number;
  /** Erases instead of the owner: the operator's way, with the relay whose data is searched. */
  readonly operator?: ErasingRelay;
}

/** A relay that its operator can tell to erase a space. */
export interface ErasingRelay {
  readonly address: string;
  erase(space: string): Promise<void>;
  stop(): Promise<unknown>;
}

export interface EraseScanReport {
  /** Bytes of ciphertext that were searched for. */
  readonly ciphertextBytes: number;
  readonly filesSearched: number;
  /** Kinds of files in which it was found before the erasure. */
  readonly foundBefore: readonly string[];
  /** Files in which anything was found after it. */
  readonly foundAfter: readonly string[];
  /** From the call to the answer, and to a clean disk. */
  readonly answeredMs: number;
  readonly cleanMs: number;
  /** What the other device and the bystander saw. */
  readonly told: boolean;
  readonly bystanderWhole: boolean;
}

/** Pieces of ciphertext at every eighth place. */
class Needles {
  readonly #pieces = new Set<bigint>();
  bytes = 0;

  add(ciphertext: Uint8Array): void {
    const view = Buffer.from(ciphertext.buffer, ciphertext.byteOffset, ciphertext.byteLength);
    for (let at = 0; at + PIECE_BYTES <= view.length; at += PIECE_BYTES) this.#pieces.add(view.readBigUInt64LE(at));
    this.bytes += ciphertext.length;
  }

  isIn(haystack: Buffer): boolean {
    for (let at = 0; at + PIECE_BYTES <= haystack.length; at += 1) {
      // Most of a data directory is zeros.
      if (haystack[at] === 0 && haystack[at + 1] === 0) continue;
      if (this.#pieces.has(haystack.readBigUInt64LE(at))) return true;
    }
    return false;
  }
}

/** A WebSocket whose sealed entries and snapshot chunks are remembered as they leave. */
function recording(needles: Needles): WebSocketConstructor {
  return class extends WebSocket {
    override send(data: Uint8Array): void {
      if (data[0] === FRAME_TYPE.Push || data[0] === FRAME_TYPE.SnapshotChunk) needles.add(data.subarray(FRAMING_BYTES));
      super.send(data);
    }
  } as unknown as WebSocketConstructor;
}

function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function search(dataDir: string, needles: Needles): { readonly searched: number; readonly found: string[] } {
  const found: string[] = [];
  const searched = new Set<string>();
  // The relay goes on renaming and removing files, so the folders are listed until nothing new is in them.
  for (let files = filesOf(dataDir); files.length > 0; files = filesOf(dataDir).filter((file) => !searched.has(file))) {
    for (const file of files) {
      searched.add(file);
      if (needles.isIn(contentOf(file))) found.push(file);
    }
  }
  return { searched: searched.size, found };
}

/** Nothing when it is gone: under another name it is listed again. */
function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return Buffer.alloc(0);
    throw cause;
  }
}

const kindOf = (file: string): string => file.slice(file.lastIndexOf('.') + 1);

/** One space is filled and erased while another one goes on. */
export async function eraseScan(options: EraseScanOptions): Promise<EraseScanReport> {
  const { dataDir, port } = options;
  const relay = options.operator ?? (await startRelay({ dataDir, port }));
  const spaces: Space[] = [];
  try {
    return await scan(options, relay, spaces);
  } finally {
    for (const space of spaces) await space.close();
    await relay.stop();
  }
}

async function scan(options: EraseScanOptions, relay: Pick<RelayProcess, 'address'>, spaces: Space[]): Promise<EraseScanReport> {
  const { dataDir } = options;
  const needles = new Needles();
  const snapshot = { create: () => randomBytes(200_000), load: () => undefined };
  const admin = await createSpace({ relay: relay.address, webSocket: recording(needles), batchWindowMs: 1, parts: [blobs, erasing, snapshots(snapshot)] });
  const bystander = await createSpace({ relay: relay.address, batchWindowMs: 1 });
  spaces.push(admin, bystander);
  await Promise.all([admin.whenSynced(), bystander.whenSynced()]);
  const other = await openSpace({ link: admin.link ?? '', parts: [snapshots(snapshot)] });
  spaces.push(other);
  for (let i = 0; i < options.items; i += 1) {
    await admin.whenWritable();
    admin.push(randomBytes(options.itemBytes));
    if (i % 10 === 0) bystander.push(randomBytes(options.itemBytes));
  }
  await Promise.all([admin.whenSynced(), other.whenSynced(), bystander.whenSynced()]);
  await admin.snapshot();
  await admin.blobs.put(randomBytes(300_000));
  for (const file of filesOf(dataDir).filter((name) => name.endsWith('.blob'))) {
    // The sealed bytes; what follows them are checksums.
    needles.add(readFileSync(file).subarray(BLOB_HEADER_BYTES, -64));
  }
  const before = search(dataDir, needles);
  let told = false;
  other.on('erased', ({ reason, verified, by }) => {
    told = options.operator === undefined ? verified && by === admin.device : reason === 'operator' && by === null;
  });
  const started = Date.now();
  await (options.operator === undefined ? admin.erase() : options.operator.erase(admin.id));
  const answeredMs = Date.now() - started;
  let after = search(dataDir, needles);
  while (after.found.length > 0 && Date.now() - started < CLEAN_MS_MAX) {
    await new Promise((resolve) => {
      setTimeout(resolve, 500);
    });
    after = search(dataDir, needles);
  }
  const cleanMs = Date.now() - started;
  await bystander.push(randomBytes(10)).durable('relay');
  const again = await openSpace({ link: bystander.link ?? '' });
  spaces.push(again);
  await again.whenSynced();
  return {
    ciphertextBytes: needles.bytes,
    filesSearched: after.searched,
    foundBefore: [...new Set(before.found.map(kindOf))].toSorted(),
    foundAfter: after.found,
    answeredMs,
    cleanMs,
    told,
    bystanderWhole: again.size === bystander.size,
  };
}
