import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BLOB_HEADER_BYTES, BlobOpener, BlobSealer, parseBlobHeader } from '../../../src/client/crypto/blob-seal.js';
import { SealError } from '../../../src/client/crypto/seal-error.js';
import { hash } from '../../../src/protocol/hash.js';
import { fromHex, toHex } from '../../../src/protocol/hex.js';
import { padme } from '../../../src/protocol/padme.js';
import { bytes32, flipped } from './fixtures.js';

const KIB = 1024;
const CHUNK_BYTES = 64 * KIB;
const epochKey = bytes32('epoch key');
const space = bytes32('space');

async function sealed(content: Uint8Array, salt = bytes32('salt')): Promise<Uint8Array> {
  const sealer = await BlobSealer.start({ epochKey, keyEpoch: 2, space, salt, contentBytes: content.length, chunkBytes: CHUNK_BYTES });
  const parts = [sealer.header];
  for (let index = 0; index < sealer.chunkCount; index += 1) parts.push(await sealer.seal(index, content.subarray(...sealer.contentRange(index))));
  const whole = new Uint8Array(Buffer.concat(parts));
  expect(whole.length).toBe(sealer.totalBytes);
  return whole;
}

async function opened(blob: Uint8Array, key = epochKey, of = space): Promise<Uint8Array> {
  const opener = await BlobOpener.start(parseBlobHeader(blob), blob.length, key, of);
  const pieces: Uint8Array[] = [];
  let at = BLOB_HEADER_BYTES;
  for (let index = 0; index < opener.chunkCount; index += 1) {
    pieces.push(await opener.open(index, blob.subarray(at, at + opener.chunkBytes(index))));
    at += opener.chunkBytes(index);
  }
  return new Uint8Array(Buffer.concat(pieces));
}

const codeOf = (opening: Promise<unknown>): Promise<string> =>
  opening.then(
    () => 'opened',
    (error: unknown) => (error instanceof SealError ? error.code : Promise.reject(error as Error)),
  );

describe('sealed blobs', () => {
  it.each([0, 1, 200, 64 * KIB - 24, 64 * KIB - 23, 64 * KIB, 128 * KIB + 5, 1000 * KIB + 7])('of %i bytes open again, on the grid', async (length) => {
    const content = Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8)) & 255);
    const blob = await sealed(content);
    expect(padme(blob.length - BLOB_HEADER_BYTES)).toBe(blob.length - BLOB_HEADER_BYTES);
    expect(Buffer.from(await opened(blob)).equals(content)).toBe(true);
  });

  it('are the same bytes for the same salt and others for another', async () => {
    const content = new Uint8Array(1000).fill(7);
    const first = await sealed(content);
    expect(toHex(await sealed(content))).toBe(toHex(first));
    expect(toHex(await sealed(content, bytes32('other')))).not.toBe(toHex(first));
  });

  it('open under no other key or space, and no changed bit goes through', async () => {
    const blob = await sealed(new Uint8Array(70 * KIB).fill(1));
    expect(await codeOf(opened(blob, bytes32('other')))).toBe('commitment');
    expect(await codeOf(opened(blob, epochKey, bytes32('other')))).toBe('commitment');
    for (const at of [0, 2, 6, 20, 60, 100, 65_000, 66_000, blob.length - 1]) expect(await codeOf(opened(flipped(blob, at)))).not.toBe('opened');
  });

  it('notice chunks that are swapped, missing or added', async () => {
    const blob = await sealed(new Uint8Array(200 * KIB).fill(1));
    const chunk = (index: number): Uint8Array => blob.subarray(BLOB_HEADER_BYTES + index * CHUNK_BYTES, BLOB_HEADER_BYTES + (index + 1) * CHUNK_BYTES);
    const of = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat([blob.subarray(0, BLOB_HEADER_BYTES), ...parts]));
    expect(await codeOf(opened(of(chunk(1), chunk(0), chunk(2), chunk(3))))).toBe('content');
    expect(await codeOf(opened(of(chunk(0), chunk(1))))).not.toBe('opened');
    expect(await codeOf(opened(of(chunk(0), chunk(1), chunk(2), chunk(3), chunk(3))))).not.toBe('opened');
  });

  it('refuse content whose length changed while it was sealed', async () => {
    const sealer = await BlobSealer.start({ epochKey, keyEpoch: 2, space, salt: bytes32('salt'), contentBytes: 10 });
    await expect(sealer.seal(0, new Uint8Array(11))).rejects.toThrow('changed its length');
  });

  it('equal the shared vector', async () => {
    const { blob, space: inSpace } = JSON.parse(readFileSync(new URL('../../vectors/sealing.json', import.meta.url), 'utf8')) as {
      readonly space: string;
      readonly blob: Record<'epoch_key' | 'salt' | 'header' | 'last_chunk' | 'blob_id', string> & { readonly key_epoch: number; readonly chunk_bytes: number; readonly total_bytes: number };
    };
    const bytes = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array();
    const input = { epochKey: bytes(blob.epoch_key), keyEpoch: blob.key_epoch, space: bytes(inSpace), salt: bytes(blob.salt), contentBytes: 70_000, chunkBytes: blob.chunk_bytes };
    const sealer = await BlobSealer.start(input);
    const content = new Uint8Array(70_000).fill(0x5d);
    const chunks = await Promise.all(Array.from({ length: sealer.chunkCount }, (_, index) => sealer.seal(index, content.subarray(...sealer.contentRange(index)))));
    expect([toHex(sealer.header), sealer.totalBytes, toHex(chunks.at(-1) ?? new Uint8Array())]).toEqual([blob.header, blob.total_bytes, blob.last_chunk]);
    expect(toHex(hash(sealer.header, ...chunks))).toBe(blob.blob_id);
  });
});
