import { describe, expect, it } from 'vitest';
import { proofSigningBytes, transcript1, transcript2, welcomeSigningBytes, withoutSignature } from '../../../src/protocol/handshake.js';
import { decodeClientFrame } from '../../../src/protocol/client-frame-codec.js';
import { isSoundKey } from '../../../src/protocol/ed25519-strict.js';
import { FrameError } from '../../../src/protocol/frame-error.js';
import { hash } from '../../../src/protocol/hash.js';
import { toHex } from '../../../src/protocol/hex.js';
import { RosterError } from '../../../src/protocol/roster-error.js';
import { verifyChain } from '../../../src/protocol/roster-rules.js';
import { encodeRoster, parseRoster } from '../../../src/protocol/roster.js';
import { chunkCount, chunksHash, encodeManifest, parseManifest, verifyManifest } from '../../../src/protocol/snapshot.js';
import { encodeSponsorship, sponsorSigningBytes } from '../../../src/protocol/sponsorship.js';
import { createWebCryptoEd25519 } from '../../../src/client/crypto/ed25519.js';
import { ed25519 as noble } from '../crypto/fixtures.js';
import { hex, vectors } from './vectors.js';

const implementations = [
  ['noble', noble],
  ['WebCrypto', await createWebCryptoEd25519()],
] as const;

interface KeyVectors {
  readonly keys: readonly { readonly description: string; readonly key: string; readonly sound: boolean }[];
  readonly signatures: readonly { readonly description: string; readonly holds: boolean; readonly key: string; readonly message: string; readonly signature: string }[];
}

describe('key vectors', () => {
  const { keys, signatures } = vectors<KeyVectors>('keys');

  it.each(keys)('$description', ({ key, sound }) => {
    expect(isSoundKey(hex(key))).toBe(sound);
  });

  it.each(signatures)('a signature: $description', async ({ holds, key, message, signature }) => {
    for (const [, ed25519] of implementations) expect(await ed25519.verify(hex(key), hex(message), hex(signature))).toBe(holds);
  });
});

interface RosterVectors {
  readonly chains: readonly { readonly chain: readonly string[]; readonly description: string; readonly error: string | null; readonly hash: string | null; readonly now: number | null; readonly version: number | null }[];
  readonly malformed: readonly { readonly description: string; readonly hex: string }[];
  readonly space: string;
  readonly statement: {
    readonly hex: string;
    readonly hash: string;
    readonly version: number;
    readonly key_epoch: number;
    readonly previous: string;
    readonly signer: string;
    readonly former: readonly { readonly key: string; readonly push_seq_max: number }[];
    readonly devices: readonly { readonly key: string; readonly hpke: string; readonly rights: number; readonly not_after: number }[];
  };
}

describe('roster vectors', () => {
  const { chains, malformed, space, statement } = vectors<RosterVectors>('rosters');
  const RIGHTS = { read: 1, write: 3, admin: 7 };

  it('a statement field by field', () => {
    const roster = parseRoster(hex(statement.hex));
    expect(toHex(roster.hash)).toBe(statement.hash);
    expect(roster).toMatchObject({ version: statement.version, keyEpoch: statement.key_epoch, previous: hex(statement.previous), signer: hex(statement.signer) });
    expect(roster.former.map((former) => ({ key: toHex(former.key), push_seq_max: former.pushSeqMax }))).toEqual(statement.former);
    const devices = roster.devices.map(({ key, hpke, rights, notAfter }) => ({ key: toHex(key), hpke: toHex(hpke), rights: RIGHTS[rights], not_after: notAfter }));
    expect(devices).toEqual(statement.devices);
    expect(toHex(encodeRoster(roster, roster.signature))).toBe(statement.hex);
  });

  // Only a relay judges not_after, so the vector with that verdict holds for a client.
  it.each(chains)('$description: $error', async ({ chain, error, hash: last, version }) => {
    const verified = verifyChain(chain.map(hex), { space: hex(space) }, noble);
    if (error === null || error === 'signer_expired') {
      const roster = await verified;
      expect(version === null || roster.version === version).toBe(true);
      expect(last === null || toHex(roster.hash) === last).toBe(true);
    } else {
      await expect(verified).rejects.toMatchObject({ name: 'RosterError', code: error });
    }
  });

  it.each(malformed)('malformed: $description', ({ hex: text }) => {
    expect(() => parseRoster(hex(text))).toThrow(RosterError);
  });
});

interface Offer {
  readonly description: string;
  readonly hello: string;
  readonly challenge: string;
  readonly proof: string;
}

interface HandshakeVectors {
  readonly log_id: string;
  readonly handshakes: readonly (Offer & {
    readonly device: string;
    readonly device_seed: string;
    readonly proof_signature: string;
    readonly t1: string;
    readonly t2: string;
    readonly welcome: string;
    readonly welcome_signature: string;
  })[];
  readonly refused: readonly Offer[];
  readonly sponsorships: readonly { readonly admission: string; readonly challenge: string; readonly description: string; readonly device_seed: string; readonly hello: string; readonly space: string }[];
}

describe('handshake vectors', () => {
  const { handshakes, log_id: logId, refused, sponsorships } = vectors<HandshakeVectors>('handshake');

  it.each(handshakes)('$description', async (vector) => {
    const t1 = transcript1(hex(vector.hello), hex(vector.challenge), withoutSignature(hex(vector.proof)));
    expect(toHex(t1)).toBe(vector.t1);
    expect(toHex(await noble.sign(hex(vector.device_seed), proofSigningBytes(t1)))).toBe(vector.proof_signature);
    const t2 = transcript2(t1, hex(vector.proof_signature), withoutSignature(hex(vector.welcome)));
    expect(toHex(t2)).toBe(vector.t2);
    expect(await noble.verify(hex(logId), welcomeSigningBytes(t2), hex(vector.welcome_signature))).toBe(true);
  });

  it.each(refused)('refused: $description', async ({ hello, challenge, proof }) => {
    const offer = decodeClientFrame(hex(hello));
    const proven = decodeClientFrame(hex(proof));
    if (offer.type !== 'Hello' || proven.type !== 'Proof') throw new Error('not the frames of a handshake');
    const t1 = transcript1(hex(hello), hex(challenge), withoutSignature(hex(proof)));
    expect(await noble.verify(offer.device, proofSigningBytes(t1), proven.signature)).toBe(false);
  });

  it.each(sponsorships)('sponsorship: $description', async ({ hello, challenge, space, device_seed: seed, admission }) => {
    const signature = await noble.sign(hex(seed), sponsorSigningBytes(hex(hello), hex(challenge), hex(space)));
    expect(toHex(encodeSponsorship(hex(space), await noble.publicKey(hex(seed)), signature))).toBe(admission);
  });
});

interface ManifestVectors {
  readonly manifest: { readonly chunk_count: number; readonly chunk_hashes: readonly string[]; readonly hex: string; readonly id: string; readonly fields: { readonly chunks_hash: string; readonly total_bytes: number } };
  readonly parsed_unsigned: readonly { readonly hex: string }[];
  readonly refused: readonly { readonly description: string; readonly hex: string }[];
}

describe('manifest vectors', () => {
  const { manifest, parsed_unsigned: unsigned, refused } = vectors<ManifestVectors>('manifests');

  it('a manifest', async () => {
    const parsed = parseManifest(hex(manifest.hex));
    expect(toHex(parsed.id)).toBe(manifest.id);
    expect(await verifyManifest(parsed, noble)).toBe(true);
    expect(chunkCount(parsed)).toBe(manifest.chunk_count);
    expect(parsed.totalBytes).toBe(manifest.fields.total_bytes);
    const hashes = [new Uint8Array(65_536).fill(0xa1), new Uint8Array(1000).fill(0xa2)].map((chunk) => hash(chunk));
    expect(hashes.map(toHex)).toEqual(manifest.chunk_hashes);
    expect(toHex(chunksHash(hashes))).toBe(manifest.fields.chunks_hash);
    expect(toHex(encodeManifest(parsed, parsed.signature))).toBe(manifest.hex);
  });

  it('well formed, but not signed by its author', async () => {
    for (const { hex: text } of unsigned) expect(await verifyManifest(parseManifest(hex(text)), noble)).toBe(false);
  });

  it.each(refused)('refused: $description', ({ hex: text }) => {
    expect(() => parseManifest(hex(text))).toThrow(FrameError);
  });
});
