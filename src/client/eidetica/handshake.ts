// Getting to know a peer. Every peer proves its key by signing our challenge. A peer of this project gets our proof too, and both sign the
// same transcript, each in its role, so that neither signature is good for anything else.
import { ClientError } from '../client-error.js';
import type { Environment } from '../environment.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import type { SyncTransport } from './transport.js';
import { publicKeyBytes, publicKeyText } from './keys.js';
import { readHandshake } from './wire.js';
import type { Address, HandshakeAnswer, HandshakeRequest } from './wire.js';

/** The version of dialects B and C. */
export const PROTOCOL_VERSION = 0;
const CHALLENGE_BYTES = 32;
const DOMAIN = 'sealrelay/eidetica/handshake/v1';
const TEXT = new TextEncoder();

/** Who this device is to its peers. */
export class Identity {
  readonly #ed25519: Ed25519;
  readonly #seed: Uint8Array;
  readonly publicKey: string;

  private constructor(ed25519: Ed25519, seed: Uint8Array, publicKey: string) {
    this.#ed25519 = ed25519;
    this.#seed = seed;
    this.publicKey = publicKey;
  }

  /** Of the 32 secret bytes of a key. */
  static async of(seed: Uint8Array, ed25519: Ed25519): Promise<Identity> {
    return new Identity(ed25519, seed, publicKeyText(await ed25519.publicKey(seed)));
  }

  sign(message: Uint8Array): Promise<Uint8Array> {
    return this.#ed25519.sign(this.#seed, message);
  }

  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    return this.#ed25519.verify(publicKey, message, signature);
  }
}

/** A peer that proved its key. */
export interface Acquaintance {
  readonly publicKey: string;
  readonly displayName: string | null;
  /** Whether it is of this project, and both sides proved their keys over one transcript. */
  readonly isMutual: boolean;
  /** Whether it takes proofs of requests, so that it knows who sends them. */
  readonly takesProofs: boolean;
  readonly trees: HandshakeAnswer['trees'];
}

export interface Greeting {
  readonly transport: SyncTransport;
  readonly address: Address;
  readonly identity: Identity;
  readonly environment: Pick<Environment, 'randomBytes'>;
  readonly displayName: string;
  /** Where this device can be asked; empty where it cannot. */
  readonly listenAddresses?: readonly Address[];
  /** Refuses peers that do not prove themselves over a transcript. */
  readonly requireMutual: boolean;
}

/** What both sides of a handshake sign, every field behind its length; `relay` is who is asked. What a way has of its own, so that nobody can stand in between, comes last. */
export function transcriptBytes(role: 'peer' | 'relay', relay: string, peer: string, peerChallenge: Uint8Array, relayChallenge: Uint8Array, channel: Uint8Array = new Uint8Array()): Uint8Array {
  const fields = [TEXT.encode(DOMAIN), TEXT.encode(role), TEXT.encode(relay), TEXT.encode(peer), peerChallenge, relayChallenge];
  return behindLengths(channel.length === 0 ? fields : [...fields, channel]);
}

/** Every field behind its length, eight bytes in big-endian order. */
export function behindLengths(fields: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, field) => sum + 8 + field.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const field of fields) {
    view.setBigUint64(at, BigInt(field.length));
    bytes.set(field, at + 8);
    at += 8 + field.length;
  }
  return bytes;
}

/** Greets a peer; throws when it does not prove the key it names. */
export async function greet(greeting: Greeting): Promise<Acquaintance> {
  const first = await exchange(greeting, {});
  const { publicKey, displayName, trees, ours } = first.answer;
  if (publicKey === greeting.identity.publicKey) throw new ClientError('peer_is_self', 'this address is of this device itself');
  if (ours?.version !== 1) {
    if (greeting.requireMutual) throw new ClientError('peer_untrusted', 'the peer does not prove itself over a transcript, which is asked for');
    return { publicKey, displayName, trees, isMutual: false, takesProofs: false };
  }
  const { identity } = greeting;
  const challenge = greeting.environment.randomBytes(CHALLENGE_BYTES);
  const relayChallenge = first.answer.newChallenge;
  const channel = greeting.transport.channelTo?.(greeting.address);
  const transcript = (role: 'peer' | 'relay'): Uint8Array => transcriptBytes(role, publicKey, identity.publicKey, challenge, relayChallenge, channel);
  const signature = await identity.sign(transcript('peer'));
  const second = await exchange(greeting, { challenge, sealrelay: { relay_challenge: [...relayChallenge], signature: [...signature] } });
  const proof = second.answer.ours?.signature ?? null;
  const isProven = second.answer.publicKey === publicKey && proof !== null && (await identity.verify(second.key, transcript('relay'), proof));
  if (!isProven) throw new ClientError('peer_untrusted', 'the peer did not prove its key over the transcript');
  return { publicKey, displayName: second.answer.displayName, trees: second.answer.trees, isMutual: true, takesProofs: ours.takesProofs };
}

/** One request and its answer, whose key has signed our challenge. */
async function exchange(
  { transport, address, identity, environment, displayName, listenAddresses = [] }: Greeting,
  more: { readonly challenge?: Uint8Array; readonly sealrelay?: NonNullable<HandshakeRequest['sealrelay']> },
): Promise<{ answer: HandshakeAnswer; key: Uint8Array }> {
  const challenge = more.challenge ?? environment.randomBytes(CHALLENGE_BYTES);
  const request: HandshakeRequest = {
    device_id: identity.publicKey,
    public_key: identity.publicKey,
    display_name: displayName,
    protocol_version: PROTOCOL_VERSION,
    challenge: [...challenge],
    listen_addresses: listenAddresses,
    ...(more.sealrelay === undefined ? {} : { sealrelay: more.sealrelay }),
  };
  const answer = readHandshake(await transport.send(address, { Handshake: request }));
  if (answer.protocolVersion !== PROTOCOL_VERSION) throw new ClientError('peer_version', `the peer speaks version ${answer.protocolVersion}, this device ${PROTOCOL_VERSION}`);
  const key = publicKeyBytes(answer.publicKey);
  if (key === undefined || !(await identity.verify(key, challenge, answer.challengeResponse))) {
    throw new ClientError('peer_untrusted', 'the peer did not prove the key it names');
  }
  return { answer, key };
}
