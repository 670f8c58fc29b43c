import { describe, expect, it } from 'vitest';
import { aesSeal, importAesKey } from '../../../src/client/crypto/aes-gcm.js';
import { derive, epochHalves } from '../../../src/client/crypto/derive.js';
import { systemRandom } from '../../../src/client/crypto/platform.js';
import { SealError } from '../../../src/client/crypto/seal-error.js';
import { openSnapshot, sealSnapshot } from '../../../src/client/crypto/snapshot-seal.js';
import type { SealSnapshotInput, SealedSnapshot } from '../../../src/client/crypto/snapshot-seal.js';
import { ByteWriter } from '../../../src/protocol/byte-writer.js';
import { FrameError } from '../../../src/protocol/frame-error.js';
import { CompactRange } from '../../../src/protocol/merkle.js';
import { padme } from '../../../src/protocol/padme.js';
import { chunkCount, chunksHash, encodeManifest, manifestRange, parseManifest, verifyManifest } from '../../../src/protocol/snapshot.js';
import { domain, hash } from '../../../src/protocol/hash.js';
import { bytes32, device, ed25519, flipped, namedRandom, text } from './fixtures.js';

const KIB = 1024;
const author = await device('author');
const epochKey = bytes32('epoch key');
const range = new CompactRange();
for (let i = 0; i < 42; i += 1) range.push(bytes32(`leaf ${i}`));

const input = (state: Uint8Array, change: Partial<SealSnapshotInput> = {}): SealSnapshotInput => ({
  ed25519,
  epochKey,
  keyEpoch: 2,
  space: bytes32('space'),
  device: author,
  position: { logId: bytes32('log'), logEpoch: 1, size: 41, head: range.root(), range: range.hashes() },
  chains: [{ device: author.key, pushSeq: 9, entryId: bytes32('entry') }],
  state,
  time: 1_700_000_000_000,
  random: namedRandom('snapshot'),
  ...change,
});

const open = ({ manifest, chunks }: SealedSnapshot): ReturnType<typeof openSnapshot> =>
  openSnapshot({ epochKey, manifest: parseManifest(manifest), chunks });

const codeOf = async (opening: Parameters<typeof openSnapshot>[0]): Promise<string> => {
  try {
    await openSnapshot(opening);
    return 'opened';
  } catch (error) {
    if (error instanceof SealError) return error.code;
    throw error;
  }
};

describe('sealed snapshots', () => {
  it.each([0, 1, 100, 60 * KIB, 64 * KIB - 16, 64 * KIB, 65 * KIB, 200 * KIB, 1000 * KIB, 3000 * KIB + 7])('of %i bytes open again', async (length) => {
    const state = systemRandom(length);
    const sealed = await sealSnapshot(input(state));
    const manifest = parseManifest(sealed.manifest);
    expect(sealed.chunks).toHaveLength(chunkCount(manifest));
    expect(sealed.chunks.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(manifest.totalBytes);
    expect(padme(manifest.totalBytes)).toBe(manifest.totalBytes);
    expect(await verifyManifest(manifest, ed25519)).toBe(true);
    expect(manifestRange(manifest, 0)?.root()).toEqual(manifest.head);
    const opened = await open(sealed);
    expect(Buffer.compare(opened.state, state)).toBe(0);
    expect(opened.chains).toEqual(input(state).chains);
  });

  it('larger chunks are allowed, odd ones are a bug of the caller', async () => {
    const sealed = await sealSnapshot(input(systemRandom(700 * KIB), { chunkBytes: 256 * KIB }));
    expect(sealed.chunks.slice(0, -1).every((chunk) => chunk.length === 256 * KIB)).toBe(true);
    expect((await open(sealed)).state.length).toBe(700 * KIB);
    await expect(sealSnapshot(input(text('x'), { chunkBytes: 100_000 }))).rejects.toThrow(RangeError);
    await expect(sealSnapshot(input(text('x'), { chunkBytes: 2048 * KIB }))).rejects.toThrow(RangeError);
  });

  it('what was changed on the way is refused', async () => {
    const sealed = await sealSnapshot(input(systemRandom(150 * KIB)));
    const manifest = parseManifest(sealed.manifest);
    const [first, second, ...rest] = sealed.chunks;
    const swapped = [second!, first!, ...rest];
    const rehashed = (chunks: readonly Uint8Array[]): typeof manifest => ({ ...manifest, chunksHash: chunksHash(chunks.map((chunk) => hash(chunk))) });
    const opening = { epochKey, manifest, chunks: sealed.chunks };
    expect(await codeOf({ ...opening, chunks: swapped })).toBe('content_hash');
    expect(await codeOf({ ...opening, chunks: swapped, manifest: rehashed(swapped) })).toBe('content');
    expect(await codeOf({ ...opening, chunks: sealed.chunks.slice(1) })).toBe('layout');
    const damaged = [flipped(first!, 77), second!, ...rest];
    expect(await codeOf({ ...opening, chunks: damaged, manifest: rehashed(damaged) })).toBe('content');
    expect(await codeOf({ ...opening, epochKey: bytes32('another') })).toBe('commitment');
    expect(await codeOf({ ...opening, manifest: { ...manifest, space: bytes32('another') } })).toBe('commitment');
    expect(await codeOf({ ...opening, manifest: { ...manifest, suite: 2 } })).toBe('suite');
    for (const change of [{ size: 40 }, { head: bytes32('another') }, { device: bytes32('another') }]) {
      expect(await codeOf({ ...opening, manifest: { ...manifest, ...change } })).toBe('content');
    }
    const shorter = { ...rehashed(sealed.chunks.slice(0, 2)), totalBytes: 2 * 64 * KIB };
    expect(await codeOf({ ...opening, manifest: shorter, chunks: sealed.chunks.slice(0, 2) })).toBe('content');
    expect(await codeOf({ ...opening, manifest: { ...manifest, totalBytes: manifest.totalBytes - 1 } })).toBe('size');
  });

  it('padding other than zero is refused, whoever sealed it', async () => {
    const manifest = parseManifest((await sealSnapshot(input(text('state')))).manifest);
    const content = epochHalves(epochKey, manifest.space).content;
    const key = await importAesKey(derive(content, manifest.salt, 'snapshot-key', manifest.space, 64).subarray(0, 32), 'encrypt');
    const aad = new ByteWriter().raw(domain('snapshot-chunk')).raw32(manifest.space).raw32(manifest.device);
    aad.u64(manifest.size).raw32(manifest.head).u32(0).u8(1);
    const craft = async (last: number): Promise<string> => {
      const plaintext = new ByteWriter().u16(0).bytes32(text('state')).zeros(256 - 16 - 11 - 1).u8(last).finish();
      const chunk = await aesSeal(key, new Uint8Array(12), aad.finish(), plaintext);
      return codeOf({ epochKey, manifest: { ...manifest, chunksHash: chunksHash([hash(chunk)]) }, chunks: [chunk] });
    };
    expect(await craft(0)).toBe('opened');
    expect(await craft(1)).toBe('padding');
  });

  it('more chunks than can be numbered are no manifest', async () => {
    const manifest = parseManifest((await sealSnapshot(input(text('state')))).manifest);
    expect(() => parseManifest(encodeManifest({ ...manifest, totalBytes: 2 ** 52 }, manifest.signature))).toThrow(FrameError);
  });

  it('every flipped bit of the manifest breaks its signature or its form', async () => {
    const sealed = await sealSnapshot(input(text('state')));
    for (let bit = 0; bit < 8 * sealed.manifest.length; bit += 7) {
      let holds = false;
      try {
        holds = await verifyManifest(parseManifest(flipped(sealed.manifest, bit)), ed25519);
      } catch {
        holds = false;
      }
      expect(holds).toBe(false);
    }
  });

  it('a range that does not fold to the head, or has another number of hashes, is no range', async () => {
    const manifest = parseManifest((await sealSnapshot(input(text('state')))).manifest);
    expect(manifestRange(manifest, 0)).toBeDefined();
    expect(manifestRange(manifest, 2)).toBeUndefined();
    expect(manifestRange({ ...manifest, head: bytes32('another') }, 0)).toBeUndefined();
    expect(manifestRange({ ...manifest, range: manifest.range.slice(1) }, 0)).toBeUndefined();
  });
});
