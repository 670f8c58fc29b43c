// `Handshake`: this device proves its key and answers in the version it was asked in. A peer of this project proves its key too.
import type { Ed25519 } from '../../../protocol/ed25519.js';
import type { EntryBackend } from '../entry-backend.js';
import { transcriptBytes } from '../handshake.js';
import type { Identity } from '../handshake.js';
import { publicKeyBytes } from '../keys.js';
import type { Challenges } from './challenges.js';
import { CHALLENGE_BYTES_MAX } from './limits.js';
import type { Greeting } from './read-request.js';
import { said } from './refusal.js';

/** The versions that are spoken: that of dialects B and C, and that of A. */
const VERSIONS: readonly number[] = [0, 1];
const VERSION_OF_A = 1;

export interface HandshakeContext {
  readonly identity: Identity;
  readonly ed25519: Ed25519;
  readonly challenges: Challenges;
  readonly backend: EntryBackend;
  readonly displayName: string;
  /** What both ends know of their way; see ProofTarget. */
  readonly channel: Uint8Array;
  /** Trees that a peer with this key is told of. */
  readonly treesOf: (key: string) => readonly string[];
  /** Hears of peers that proved their key. */
  readonly proved: (key: string) => void;
}

export async function answerHandshake(context: HandshakeContext, greeting: Greeting): Promise<unknown> {
  const { identity, challenges, displayName } = context;
  const { publicKey, version, challenge } = greeting;
  if (!VERSIONS.includes(version)) throw said(`Protocol version mismatch: expected 0, got ${version}`);
  if (challenge.length === 0 || challenge.length > CHALLENGE_BYTES_MAX) throw said(`a challenge has 1 to ${CHALLENGE_BYTES_MAX} bytes`);
  const signature = greeting.answered === null ? null : await proveBoth(context, greeting, greeting.answered);
  if (signature !== null) context.proved(publicKey);
  return {
    Handshake: {
      device_id: identity.publicKey,
      public_key: identity.publicKey,
      display_name: displayName,
      protocol_version: version,
      challenge_response: [...(await identity.sign(challenge))],
      new_challenge: [...challenges.make(publicKey)],
      ...(version === VERSION_OF_A ? {} : { available_trees: signature === null ? [] : await listed(context, publicKey) }),
      // Peers of the original read over what they do not know.
      sealrelay: { version: 1, proofs: true, ...(signature === null ? {} : { signature: [...signature] }) },
    },
  };
}

/** Our signature of the transcript, for who has signed it; both sides sign what they know of the way, so nobody can stand in between. */
async function proveBoth({ identity, ed25519, challenges, channel }: HandshakeContext, greeting: Greeting, answered: NonNullable<Greeting['answered']>): Promise<Uint8Array> {
  const { publicKey, challenge } = greeting;
  const key = publicKeyBytes(publicKey);
  const transcript = (role: 'peer' | 'relay'): Uint8Array => transcriptBytes(role, identity.publicKey, publicKey, challenge, answered.challenge, channel);
  const isProven = key !== undefined && challenges.isOwn(answered.challenge, publicKey) && (await ed25519.verify(key, transcript('peer'), answered.signature));
  if (!isProven) throw said('Authentication failed: the peer did not prove its key');
  return identity.sign(transcript('relay'));
}

async function listed({ backend, treesOf }: HandshakeContext, key: string): Promise<readonly object[]> {
  const trees: object[] = [];
  for (const tree of treesOf(key)) {
    if ((await backend.tips(tree)).length > 0) trees.push({ tree_id: tree, name: null, entry_count: (await backend.count?.(tree)) ?? 0, last_modified: 0 });
  }
  return trees;
}
