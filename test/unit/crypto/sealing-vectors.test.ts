import { describe, expect, it } from 'vitest';
import { epochHalves } from '../../../src/client/crypto/derive.js';
import { openKeyring } from '../../../src/client/crypto/keyring.js';
import { deriveRootSecret } from '../../../src/client/crypto/keys.js';
import type { DeviceSecret } from '../../../src/client/crypto/keys.js';
import type { Random } from '../../../src/client/crypto/platform.js';
import { liveKey, openLive, sealLive, topicKey } from '../../../src/client/crypto/live-seal.js';
import type { LivePurpose } from '../../../src/client/crypto/live-seal.js';
import { openEntry, sealEntry } from '../../../src/client/crypto/seal.js';
import { openSnapshot, sealSnapshot } from '../../../src/client/crypto/snapshot-seal.js';
import { compareBytes } from '../../../src/protocol/equal-bytes.js';
import { entryId, hash, ZEROS } from '../../../src/protocol/hash.js';
import { toHex } from '../../../src/protocol/hex.js';
import { encodeRoster, parseRoster } from '../../../src/protocol/roster.js';
import { parseManifest } from '../../../src/protocol/snapshot.js';
import { hex, vectors } from '../protocol/vectors.js';
import { device, ed25519 } from './fixtures.js';

interface EntryVector {
  readonly content_epoch_key: string;
  readonly device: string;
  readonly device_seed: string;
  readonly entry_id: string;
  readonly epoch_key: string;
  readonly header_epoch_key: string;
  readonly items: readonly string[];
  readonly key_epoch: number;
  readonly previous: string;
  readonly push_seq: number;
  readonly roster_hash: string;
  readonly roster_version: number;
  readonly salt: string;
  readonly sealed: string;
  readonly seen: readonly { readonly head: string; readonly log_epoch: number; readonly log_id: string; readonly size: number; readonly time: number }[];
  readonly time: number;
}

interface LiveVector {
  readonly counter: number;
  readonly device: string;
  readonly device_seed: string;
  readonly epoch_key: string;
  readonly key_epoch: number;
  readonly log_id: string;
  readonly log_time: number;
  readonly number: number;
  readonly payload: string;
  readonly purpose: LivePurpose;
  readonly salt: string;
  readonly sealed: string;
  readonly started: number;
  readonly to: string;
  readonly topic: string;
}

interface SealingVectors {
  readonly live: readonly LiveVector[];
  readonly topic: { readonly epoch_key: string; readonly key: string; readonly name: string };
  readonly entries: readonly EntryVector[];
  readonly keyring: {
    readonly epoch_key: string;
    readonly hex: string;
    readonly history: string;
    readonly key_epoch: number;
    readonly keyring_hash: string;
    readonly slots: readonly { readonly private: string; readonly recipient: string }[];
  };
  readonly root_secret: { readonly ed25519_seed: string; readonly hpke_private: string; readonly hpke_public: string; readonly secret: string; readonly space: string };
  readonly snapshot: {
    readonly chain_entry_id: string;
    readonly chunk_hashes: readonly string[];
    readonly chunk_lengths: readonly number[];
    readonly commitment: string;
    readonly device: string;
    readonly epoch_key: string;
    readonly head: string;
    readonly key_epoch: number;
    readonly last_chunk: string;
    readonly salt: string;
    readonly size: number;
    readonly total_bytes: number;
  };
  readonly space: string;
}

const file = vectors<SealingVectors>('sealing');
const space = hex(file.space);
const always = (bytes: Uint8Array): Random => () => bytes;

async function authorOf(seed: string): Promise<DeviceSecret> {
  return { seed: hex(seed), key: await ed25519.publicKey(hex(seed)), hpkeSecret: ZEROS, hpke: ZEROS };
}

describe('sealing vectors', () => {
  it.each(file.live)('a live frame for $purpose is sealed to the same bytes, and opens', async (vector) => {
    const epochKey = hex(vector.epoch_key);
    const sender = hex(vector.device);
    const place = { space, logId: hex(vector.log_id), device: sender, purpose: vector.purpose, topic: hex(vector.topic), to: hex(vector.to) };
    const stamp = { started: vector.started, logTime: vector.log_time, number: vector.number };
    const frame = { place, keyEpoch: vector.key_epoch, ed25519 };
    const salt = hex(vector.salt);
    const key = await liveKey(epochKey, space, sender, salt, 'seal');
    const sealed = await sealLive({ ...frame, seed: hex(vector.device_seed), key, salt, counter: vector.counter, stamp, payload: hex(vector.payload) });
    expect(toHex(sealed)).toBe(vector.sealed);
    const opened = await openLive({ ...frame, sealed, keyOf: (of) => liveKey(epochKey, space, sender, of, 'open') });
    expect(opened).toEqual({ ...stamp, counter: vector.counter, payload: hex(vector.payload) });
  });

  it('a topic has the same key', () => {
    expect(toHex(topicKey(hex(file.topic.epoch_key), space, file.topic.name))).toBe(file.topic.key);
  });

  it.each(file.entries)('entry $push_seq is sealed to the same bytes, and opens', async (vector) => {
    const epochKey = hex(vector.epoch_key);
    const halves = epochHalves(epochKey, space);
    expect(toHex(halves.header)).toBe(vector.header_epoch_key);
    expect(toHex(halves.content)).toBe(vector.content_epoch_key);
    const author = await authorOf(vector.device_seed);
    expect(toHex(author.key)).toBe(vector.device);
    const header = {
      time: vector.time,
      previous: hex(vector.previous),
      roster: { version: vector.roster_version, hash: hex(vector.roster_hash) },
      seen: vector.seen.map((seen) => ({ logId: hex(seen.log_id), logEpoch: seen.log_epoch, size: seen.size, head: hex(seen.head), time: seen.time })),
      items: vector.items.map(hex),
    };
    const place = { ed25519, epochKey, keyEpoch: vector.key_epoch, space, pushSeq: vector.push_seq };
    const sealed = await sealEntry({ ...place, ...header, device: author, random: always(hex(vector.salt)) });
    expect(toHex(sealed)).toBe(vector.sealed);
    expect(toHex(entryId(sealed))).toBe(vector.entry_id);
    expect(await openEntry({ ...place, device: author.key, sealed })).toEqual({ type: 1, ...header });
  });

  it('the root’s keys', async () => {
    const root = await deriveRootSecret(hex(file.root_secret.secret), ed25519);
    expect(toHex(root.seed)).toBe(file.root_secret.ed25519_seed);
    expect(toHex(root.key)).toBe(file.root_secret.space);
    expect(toHex(root.hpkeSecret)).toBe(file.root_secret.hpke_private);
    expect(toHex(root.hpke)).toBe(file.root_secret.hpke_public);
  });

  it('the keyring opens for each of its slots', async () => {
    const { slots, hex: text, keyring_hash: keyringHash, key_epoch: keyEpoch } = file.keyring;
    const [rootHpke, ...hpkes] = slots.map(({ recipient }) => hex(recipient));
    const members = await Promise.all(hpkes.map((_, i) => device(`member ${i}`)));
    const keys = members.map(({ key }) => key).toSorted(compareBytes);
    const fields = {
      queueMode: false,
      space,
      version: 1,
      previous: ZEROS,
      keyEpoch,
      keyringHash: hex(keyringHash),
      rootHpke: rootHpke!,
      devices: keys.map((key, i) => ({ key, hpke: hpkes[i]!, rights: 'write' as const, notAfter: 0 })),
      former: [],
      signer: space,
    };
    const roster = parseRoster(encodeRoster(fields, new Uint8Array(64)));
    for (const slot of slots) {
      const opened = await openKeyring({ keyring: hex(text), roster, hpkeSecret: hex(slot.private), hpke: hex(slot.recipient), known: new Map() });
      expect(toHex(opened.get(keyEpoch) ?? ZEROS)).toBe(file.keyring.epoch_key);
      const earlier = [...opened].filter(([epoch]) => epoch < keyEpoch).map(([epoch, key]) => epoch.toString(16).padStart(8, '0') + toHex(key));
      expect(`0002${earlier.join('')}`).toBe(file.keyring.history);
    }
  });

  it('a snapshot is sealed to the same chunks, and opens', async () => {
    const vector = file.snapshot;
    const author = await authorOf(file.entries[0]!.device_seed);
    const head = hex(vector.head);
    const epochKey = hex(vector.epoch_key);
    const state = new Uint8Array(70_000).fill(0x5c);
    const chains = [{ device: author.key, pushSeq: vector.size, entryId: hex(vector.chain_entry_id) }];
    const position = { logId: hash(), logEpoch: 1, size: vector.size, head, range: [head] };
    const sealed = await sealSnapshot({ ed25519, epochKey, keyEpoch: vector.key_epoch, space, device: author, position, chains, state, time: 0, random: always(hex(vector.salt)) });
    const manifest = parseManifest(sealed.manifest);
    expect(toHex(manifest.commitment)).toBe(vector.commitment);
    expect(manifest.totalBytes).toBe(vector.total_bytes);
    expect(sealed.chunks.map(({ length }) => length)).toEqual(vector.chunk_lengths);
    expect(toHex(sealed.chunks.at(-1) ?? ZEROS)).toBe(vector.last_chunk);
    expect(sealed.chunks.map((chunk) => toHex(hash(chunk)))).toEqual(vector.chunk_hashes);
    const opened = await openSnapshot({ epochKey, manifest, chunks: sealed.chunks });
    expect(opened.chains).toEqual(chains);
    expect(Buffer.compare(opened.state, state)).toBe(0);
  });
});
