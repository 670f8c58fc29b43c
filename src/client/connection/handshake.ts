// The client's half of the handshake, one per connection: Hello, the pin check, the proof, and the welcome's signature.
import { writeClientFrame } from '../../protocol/client-frame-writer.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { proofSigningBytes, transcript1, transcript2, welcomeSigningBytes, withoutSignature } from '../../protocol/handshake.js';
import { FEATURE_ADMISSION, FEATURE_EPHEMERAL, FEATURE_ERASURE, FEATURE_SPONSORS, FEATURE_TOPICS, PROTOCOL_VERSION } from '../../protocol/limits.js';
import { readRelayFrame } from '../../protocol/relay-frame-reader.js';
import type { ChallengeFrame, ErrorFrame, RelayFrame, WelcomeFrame } from '../../protocol/relay-frame.js';
import type { ChainAndKeyring } from '../../protocol/roster-chain.js';
import { ClientError } from '../client-error.js';

const NO_SIGNATURE = new Uint8Array(64);
/** What this client can use; the relay chooses of it. */
const FEATURES = FEATURE_EPHEMERAL | FEATURE_TOPICS | FEATURE_ERASURE | FEATURE_ADMISSION | FEATURE_SPONSORS;

/** Who connects: a device of the space, or its root. */
export interface Identity {
  readonly key: Uint8Array;
  readonly seed: Uint8Array;
}

/** Makes what stands in the place of a token in one handshake, of which it is given the first two frames. */
export type Sponsor = (hello: Uint8Array, challenge: Uint8Array) => Promise<Uint8Array>;

/** What is offered and proved in one handshake. */
export interface HandshakeOffer {
  readonly space: Uint8Array;
  readonly logId: Uint8Array;
  readonly identity: Identity;
  readonly rosterVersion: number;
  readonly rosterHash: Uint8Array;
  /** Statements the relay may not have; an empty chain when it has confirmed the newest. */
  readonly news: ChainAndKeyring;
  /** What lets this device found the space, where the relay asks for something. */
  readonly admission?: Uint8Array | undefined;
  /** Comes before it, at a relay that takes sponsors. */
  readonly sponsor?: Sponsor | undefined;
}

/** What a message led to. */
export type HandshakeStep =
  | { readonly kind: 'reply'; readonly message: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'welcome'; readonly welcome: WelcomeFrame; readonly raw: Uint8Array; readonly features: bigint }
  | { readonly kind: 'refused'; readonly error: ErrorFrame };

/** Feed it the relay's messages in order; it never proves anything to a relay whose key is not the pinned one. */
export class Handshake {
  readonly #offer: HandshakeOffer;
  readonly #ed25519: Ed25519;
  readonly #hello: Uint8Array<ArrayBuffer>;
  #proof: { readonly t1: Uint8Array; readonly signature: Uint8Array; readonly features: bigint } | undefined;

  constructor(offer: HandshakeOffer, ed25519: Ed25519, clientNonce: Uint8Array) {
    this.#offer = offer;
    this.#ed25519 = ed25519;
    this.#hello = writeClientFrame({
      type: 'Hello',
      versions: [PROTOCOL_VERSION],
      features: FEATURES,
      space: offer.space,
      device: offer.identity.key,
      clientNonce,
      rosterVersion: offer.rosterVersion,
      rosterHash: offer.rosterHash,
    }, []);
  }

  /** The first message. */
  get hello(): Uint8Array<ArrayBuffer> {
    return this.#hello;
  }

  /** Takes one message of the relay; throws ClientError when the relay is not the one of the address. */
  async receive(raw: Uint8Array): Promise<HandshakeStep> {
    const frame = readRelayFrame(raw, []);
    if (frame.type === 'Error') return { kind: 'refused', error: frame };
    if (this.#proof === undefined) return { kind: 'reply', message: await this.#prove(asChallenge(frame), raw) };
    if (frame.type !== 'Welcome') throw outOfPlace(frame);
    await this.#checkWelcome(frame, raw, this.#proof);
    return { kind: 'welcome', welcome: frame, raw, features: this.#proof.features };
  }

  async #prove(challenge: ChallengeFrame, raw: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    if (!equalBytes(challenge.logId, this.#offer.logId)) {
      throw new ClientError('relay_key_mismatch', 'the relay has another key than the address says', {
        hint: 'Somebody answers in its place, or its data directory was made anew; get a fresh relay address from the operator.',
      });
    }
    if (challenge.version !== PROTOCOL_VERSION || (challenge.features & ~FEATURES) !== 0n) {
      throw new ClientError('relay_identity', 'the relay chose a version or feature that was not offered');
    }
    const admission = await this.#admission(challenge.features, raw);
    const unsigned = this.#proofFrame(admission, NO_SIGNATURE);
    const t1 = transcript1(this.#hello, raw, withoutSignature(unsigned));
    const signature = await this.#ed25519.sign(this.#offer.identity.seed, proofSigningBytes(t1));
    this.#proof = { t1, signature, features: challenge.features };
    return this.#proofFrame(admission, signature);
  }

  /** Shown only where statements are, because only they can found a space. */
  async #admission(features: bigint, challenge: Uint8Array): Promise<Uint8Array | undefined> {
    const { news, admission, sponsor } = this.#offer;
    if (news.chain.length === 0 || (features & FEATURE_ADMISSION) === 0n) return undefined;
    return sponsor !== undefined && (features & FEATURE_SPONSORS) !== 0n ? sponsor(this.#hello, challenge) : admission;
  }

  #proofFrame(admission: Uint8Array | undefined, signature: Uint8Array): Uint8Array<ArrayBuffer> {
    const { news } = this.#offer;
    return writeClientFrame(admission === undefined ? { type: 'Proof', ...news, signature } : { type: 'FoundingProof', ...news, admission, signature }, []);
  }

  async #checkWelcome(welcome: WelcomeFrame, raw: Uint8Array, proof: { t1: Uint8Array; signature: Uint8Array }): Promise<void> {
    const t2 = transcript2(proof.t1, proof.signature, withoutSignature(raw));
    const holds = await this.#ed25519.verify(this.#offer.logId, welcomeSigningBytes(t2), welcome.signature);
    if (!holds) throw new ClientError('relay_identity', 'the welcome is not signed by the key of the relay address');
  }
}

function asChallenge(frame: RelayFrame): ChallengeFrame {
  if (frame.type !== 'Challenge') throw outOfPlace(frame);
  return frame;
}

function outOfPlace(frame: RelayFrame): ClientError {
  return new ClientError('relay_identity', `a ${frame.type} frame in the place of the handshake`);
}
