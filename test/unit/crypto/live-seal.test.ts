import { describe, expect, it } from 'vitest';
import { liveKey, livePayloadBytesMax, liveSealedBytes, openLive, sealLive, topicKey } from '../../../src/client/crypto/live-seal.js';
import type { LivePlace, LiveStamp } from '../../../src/client/crypto/live-seal.js';
import { SealError } from '../../../src/client/crypto/seal-error.js';
import { toHex } from '../../../src/protocol/hex.js';
import { padme } from '../../../src/protocol/padme.js';
import { bytes32, device, ed25519, flipped, text } from './fixtures.js';

const sender = await device('sender');
const other = await device('other');
const [space, epochKey, salt] = [bytes32('space'), bytes32('epoch key'), bytes32('salt')];
const place: LivePlace = { space, logId: bytes32('log'), device: sender.key, purpose: 'topic', topic: bytes32('topic'), to: other.key };
const stamp: LiveStamp = { started: 1_700_000_000_000, logTime: 1_700_000_000_500, number: 4 };

async function seal(payload: Uint8Array, seed = sender.seed): Promise<Uint8Array> {
  const key = await liveKey(epochKey, space, sender.key, salt, 'seal');
  return sealLive({ ed25519, seed, key, salt, counter: 7, keyEpoch: 2, place, stamp, payload });
}

async function outcome(sealed: Uint8Array, change: Partial<LivePlace> = {}, keyEpoch = 2): Promise<string> {
  const keyOf = (of: Uint8Array): Promise<CryptoKey> => liveKey(epochKey, space, (change.device ?? sender.key), of, 'open');
  try {
    const { payload } = await openLive({ ed25519, keyOf, keyEpoch, place: { ...place, ...change }, sealed });
    return `opened ${payload.length}`;
  } catch (error) {
    if (error instanceof SealError) return error.code;
    throw error;
  }
}

describe('sealed live frames', () => {
  it.each([0, 1, 90, 91, 1000, livePayloadBytesMax(16 * 1024), livePayloadBytesMax(64 * 1024)])('of %i bytes open again and land on the grid', async (length) => {
    const sealed = await seal(new Uint8Array(length).fill(5));
    expect(sealed.length).toBe(liveSealedBytes(length));
    expect(padme(sealed.length)).toBe(sealed.length);
    expect(await outcome(sealed)).toBe(`opened ${length}`);
  });

  it('the largest payload fits its limit, and a byte more does not', () => {
    for (const limit of [16 * 1024, 64 * 1024]) {
      expect(liveSealedBytes(livePayloadBytesMax(limit))).toBe(limit);
      expect(liveSealedBytes(livePayloadBytesMax(limit) + 1)).toBeGreaterThan(limit);
    }
  });

  it('no bit can be changed', async () => {
    const sealed = await seal(text('hello'));
    for (let bit = 0; bit < sealed.length * 8; bit += 5) expect(await outcome(flipped(sealed, bit))).not.toMatch(/^opened/);
    expect(await outcome(sealed.subarray(0, 100))).toBe('live_layout');
  });

  it('a frame opens only where it belongs', async () => {
    const sealed = await seal(text('hello'));
    const elsewhere: Partial<LivePlace>[] = [
      { logId: bytes32('another log') },
      { device: other.key },
      { purpose: 'ephemeral' },
      { topic: bytes32('another topic') },
      { to: sender.key },
      { space: bytes32('another space') },
    ];
    for (const change of elsewhere) expect(await outcome(sealed, change)).toBe('content');
    expect(await outcome(sealed, {}, 3)).toBe('content');
  });

  it('a member that holds the key cannot speak for another device', async () => {
    expect(await outcome(await seal(text('hello'), other.seed))).toBe('signature');
  });

  it('a topic key tells its name to nobody without a key of the space, and differs between spaces and names', () => {
    const keys = [topicKey(epochKey, space, 'a'), topicKey(epochKey, space, 'b'), topicKey(epochKey, bytes32('another space'), 'a'), topicKey(bytes32('another key'), space, 'a')];
    expect(new Set(keys.map(toHex)).size).toBe(4);
  });
});
