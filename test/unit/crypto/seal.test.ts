import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aesSeal, importAesKey, NONCE_ZERO } from '../../../src/client/crypto/aes-gcm.js';
import { derive, epochHalves } from '../../../src/client/crypto/derive.js';
import { encodeHeader, entrySigningBytes } from '../../../src/client/crypto/entry-header.js';
import { systemRandom } from '../../../src/client/crypto/platform.js';
import { openEntry, sealEntry, sealedBytes } from '../../../src/client/crypto/seal.js';
import type { OpenEntryInput, SealEntryInput } from '../../../src/client/crypto/seal.js';
import { SealError } from '../../../src/client/crypto/seal-error.js';
import { ByteWriter } from '../../../src/protocol/byte-writer.js';
import { domain, hash } from '../../../src/protocol/hash.js';
import { padme } from '../../../src/protocol/padme.js';
import { bytes32, device, ed25519, flipped, namedRandom, text } from './fixtures.js';

const author = await device('author');
const other = await device('other');
const epochKey = bytes32('epoch key');
const space = bytes32('space');
const seenHead = { logId: bytes32('log'), logEpoch: 1, size: 41, head: bytes32('head'), time: 1_700_000_000_000 };

const input = (change: Partial<SealEntryInput> = {}): SealEntryInput => ({
  ed25519,
  epochKey,
  keyEpoch: 3,
  space,
  device: author,
  pushSeq: 7,
  previous: bytes32('previous'),
  roster: { version: 2, hash: bytes32('roster') },
  seen: [seenHead],
  time: 1_700_000_000_123,
  items: [text('one'), text(''), text('three')],
  random: namedRandom('salt'),
  ...change,
});

const opening = (sealed: Uint8Array, change: Partial<OpenEntryInput> = {}): OpenEntryInput => ({
  ed25519,
  epochKey,
  keyEpoch: 3,
  space,
  device: author.key,
  pushSeq: 7,
  sealed,
  ...change,
});

const codeOf = async (entry: OpenEntryInput): Promise<string> => {
  try {
    await openEntry(entry);
    return 'opened';
  } catch (error) {
    if (error instanceof SealError) return error.code;
    throw error;
  }
};

describe('sealing entries', () => {
  it('opens to what was sealed', async () => {
    const sealed = await sealEntry(input());
    expect(await openEntry(opening(sealed))).toEqual({
      type: 1,
      time: 1_700_000_000_123,
      previous: bytes32('previous'),
      roster: { version: 2, hash: bytes32('roster') },
      seen: [seenHead],
      items: [text('one'), text(''), text('three')],
    });
  });

  it('any items land on the grid, in the size foretold, and come back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 6 }), fc.integer({ min: 0, max: 8 }), async (items, seenCount) => {
        const seen = Array.from({ length: seenCount }, () => seenHead);
        const sealed = await sealEntry(input({ items, seen, random: systemRandom }));
        expect(sealed.length).toBe(sealedBytes(items, seenCount));
        expect(padme(sealed.length)).toBe(sealed.length);
        const opened = await openEntry(opening(sealed));
        expect(opened.items).toEqual(items);
        expect(opened.seen).toEqual(seen);
      }),
      { numRuns: 60 },
    );
  });

  it('the same items sealed twice have nothing in common but suite and lengths', async () => {
    const [a, b] = await Promise.all([sealEntry(input({ random: systemRandom })), sealEntry(input({ random: systemRandom }))]);
    expect(a.subarray(1, 33)).not.toEqual(b.subarray(1, 33));
    expect(a.subarray(33, 65)).not.toEqual(b.subarray(33, 65));
    expect(a.subarray(67)).not.toEqual(b.subarray(67));
  });

  it('no plaintext survives in the sealed bytes', async () => {
    const canary = bytes32('canary');
    const sealed = await sealEntry(input({ items: [canary] }));
    for (const secret of [canary, input().previous, seenHead.head, seenHead.logId, input().roster.hash, epochKey]) {
      expect(Buffer.from(sealed).includes(Buffer.from(secret))).toBe(false);
    }
  });

  it('every single flipped bit is refused', async () => {
    const sealed = await sealEntry(input());
    const counts = new Map<string, number>();
    for (let bit = 0; bit < 8 * sealed.length; bit += 1) {
      const code = await codeOf(opening(flipped(sealed, bit)));
      counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    expect([...counts.keys()].toSorted()).toEqual(['commitment', 'content_hash', 'header', 'layout', 'suite']);
    expect(counts.get('suite')).toBe(8);
    expect(counts.get('commitment')).toBe(512);
  });

  it('every truncation is refused', async () => {
    const sealed = await sealEntry(input());
    for (let length = 0; length < sealed.length; length += 1) expect(await codeOf(opening(sealed.subarray(0, length)))).not.toBe('opened');
    const longer = new Uint8Array(padme(sealed.length + 1));
    longer.set(sealed);
    expect(await codeOf(opening(longer))).toBe('content_hash');
  });

  it.each([
    ['another device', { device: other.key }, 'header'],
    ['another push_seq', { pushSeq: 8 }, 'header'],
    ['another space', { space: bytes32('another space') }, 'commitment'],
    ['another key epoch', { keyEpoch: 4 }, 'header'],
    ['another epoch key', { epochKey: bytes32('another key') }, 'commitment'],
  ] satisfies [string, Partial<OpenEntryInput>, string][])('for %s it does not open', async (_, change, code) => {
    expect(await codeOf(opening(await sealEntry(input()), change))).toBe(code);
  });

  it('a member that knows the epoch key cannot write as another device', async () => {
    const forged = await sealEntry(input({ device: { ...author, seed: other.seed } }));
    expect(await codeOf(opening(forged))).toBe('signature');
  });

  it('content under another header is refused', async () => {
    const a = await sealEntry(input());
    const b = await sealEntry(input({ items: [text('two'), text(''), text('three')] }));
    const spliced = Uint8Array.from(a);
    const contentFrom = 67 + 179 + 88 + 16;
    spliced.set(b.subarray(contentFrom), contentFrom);
    expect(await codeOf(opening(spliced))).toBe('content_hash');
  });

  it('an entry above the limit is refused before it is sealed', async () => {
    await expect(sealEntry(input({ items: [new Uint8Array(10 * 1024 * 1024)] }))).rejects.toMatchObject({ code: 'size' });
  });
});

// A writer that holds all keys and builds what it likes: only the reader's own checks stand.
async function craft(plaintext: Uint8Array, change: { type?: number; format?: number; tamperSigned?: boolean } = {}): Promise<Uint8Array> {
  const place = { space, device: author.key, pushSeq: 7, keyEpoch: 3 };
  const salt = bytes32('crafted salt');
  const halves = epochHalves(epochKey, space);
  const headerKeys = derive(halves.header, salt, 'entry-header', space, 64);
  const aad = (layer: number): Uint8Array =>
    new ByteWriter().raw(domain('aad')).u8(layer).raw32(space).raw32(author.key).u64(7).u32(3).u8(1).finish();
  const content = await aesSeal(await importAesKey(derive(halves.content, salt, 'entry-content', space, 32), 'encrypt'), NONCE_ZERO, aad(1), plaintext);
  const { time, previous, roster, seen } = input();
  const header = { type: change.type ?? 1, time, previous, roster, seen, contentHash: hash(content) };
  const signature = await ed25519.sign(author.seed, entrySigningBytes(place, 1, salt, header));
  const clear = encodeHeader({ ...header, time: change.tamperSigned === true ? time + 1 : time }, signature);
  clear[0] = change.format ?? 1;
  const sealedHeader = await aesSeal(await importAesKey(headerKeys.subarray(0, 32), 'encrypt'), NONCE_ZERO, aad(0), clear);
  return new ByteWriter().u8(1).raw32(salt).raw32(headerKeys.subarray(32)).bytes16(sealedHeader).raw(content).finish();
}

const room = padme(600) - 67 - 179 - 88 - 16 - 16;
const plaintextOf = (build: (writer: ByteWriter) => ByteWriter, length = room): Uint8Array => {
  const writer = build(new ByteWriter());
  return writer.zeros(length - writer.length).finish();
};

describe('entries crafted by a writer', () => {
  const good = plaintextOf((writer) => writer.u32(1).bytes32(text('x')));

  it('are accepted when well formed', async () => {
    expect(await codeOf(opening(await craft(good)))).toBe('opened');
  });

  it.each([
    ['padding that is not zero', Uint8Array.from(good, (byte, i) => (i === good.length - 1 ? 1 : byte)), {}, 'padding'],
    ['a length beside the grid', good.subarray(0, good.length - 1), {}, 'padding'],
    ['more items than there are', plaintextOf((writer) => writer.u32(2 ** 31)), {}, 'content'],
    ['an item that is longer than the rest', plaintextOf((writer) => writer.u32(1).u32(5000)), {}, 'content'],
    ['an unknown type', good, { type: 4 }, 'header'],
    ['an unknown header format', good, { format: 2 }, 'header'],
    ['a header changed after it was signed', good, { tamperSigned: true }, 'signature'],
  ] satisfies [string, Uint8Array, Parameters<typeof craft>[1], string][])('with %s are refused', async (_, plaintext, change, code) => {
    expect(await codeOf(opening(await craft(plaintext, change)))).toBe(code);
  });
});
