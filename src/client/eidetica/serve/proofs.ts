// Whether a request is by whom it says: a proof is good once, for a minute, for this device and this body.
import type { Ed25519 } from '../../../protocol/ed25519.js';
import { toHex } from '../../../protocol/hex.js';
import { publicKeyBytes } from '../keys.js';
import { proofBytes } from '../proof.js';
import { readRequestProof, requestProofBytes } from '../request-proof.js';
import type { ProofTarget } from '../request-proof.js';
import { FRESH_MS, NONCES_MAX } from './limits.js';
import type { TreeProof } from './read-request.js';
import { Refusal, said } from './refusal.js';

export class Proofs {
  readonly #ed25519: Ed25519;
  readonly #now: () => number;
  /** When each proof that was used becomes too old to be used again, in the order of their use. */
  readonly #spent = new Map<string, number>();

  constructor(ed25519: Ed25519, now: () => number) {
    [this.#ed25519, this.#now] = [ed25519, now];
  }

  /** The key that a request proves. */
  async ofRequest(target: ProofTarget, text: string, body: Uint8Array): Promise<string> {
    const given = readRequestProof(text);
    if (given === undefined) throw said('Authentication failed: the proof of the request is malformed');
    const { key, keyBytes, timestampMs, nonce, signature } = given;
    await this.#check(keyBytes, requestProofBytes(target, key, body, timestampMs, nonce), signature, timestampMs, nonce);
    return key;
  }

  /** The key that a question for a tree proves in the system's own way. */
  async ofTree(self: string, tree: string, tips: readonly string[], { key, timestampMs, nonce, signature }: TreeProof): Promise<string> {
    const keyBytes = publicKeyBytes(key);
    if (keyBytes === undefined) throw said('Authentication failed: the key of the proof is none');
    await this.#check(keyBytes, proofBytes(self, tree, tips, timestampMs, nonce), signature, timestampMs, nonce);
    return key;
  }

  async #check(key: Uint8Array, message: Uint8Array, signature: Uint8Array, timestampMs: number, nonce: Uint8Array): Promise<void> {
    if (Math.abs(this.#now() - timestampMs) > FRESH_MS) throw said('Authentication failed: request timestamp outside the freshness window');
    if (!(await this.#ed25519.verify(key, message, signature))) throw said('Authentication failed: invalid request signature');
    // Nothing is waited for from here on, so of two that come with the same proof one is second.
    this.#spend(`${toHex(key)} ${toHex(nonce)}`, timestampMs + FRESH_MS);
  }

  #spend(name: string, oldAt: number): void {
    const now = this.#now();
    if (this.#spent.has(name)) throw said('Authentication failed: request nonce already spent');
    for (const [other, at] of this.#spent) {
      if (at >= now) break;
      this.#spent.delete(other);
    }
    if (this.#spent.size >= NONCES_MAX) throw new Refusal(503, 'too many proofs came within a minute', Math.ceil(FRESH_MS / 1000));
    this.#spent.set(name, oldAt);
  }
}
