// Challenges to callers. None is remembered: an own one is known by its code, under a secret of this run.
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { CHALLENGE_MS_MAX } from './limits.js';

const CHALLENGE_BYTES = 32;
const TIME_BYTES = 8;
const SECRET_BYTES = 32;
const TEXT = new TextEncoder();

export class Challenges {
  readonly #secret: Uint8Array;
  readonly #now: () => number;

  constructor({ now, randomBytes }: { now: () => number; randomBytes: (length: number) => Uint8Array }) {
    [this.#secret, this.#now] = [randomBytes(SECRET_BYTES), now];
  }

  /** A challenge for this caller. */
  make(caller: string): Uint8Array {
    return this.#at(caller, this.#now());
  }

  /** Whether this was made for that caller, lately. */
  isOwn(challenge: Uint8Array, caller: string): boolean {
    if (challenge.length !== CHALLENGE_BYTES) return false;
    const madeAt = Number(new DataView(challenge.buffer, challenge.byteOffset).getBigUint64(0));
    const age = this.#now() - madeAt;
    if (!(age >= 0 && age <= CHALLENGE_MS_MAX)) return false;
    // All bytes are looked at, so that the time it takes tells nothing of the right ones.
    return this.#at(caller, madeAt).reduce((differs, byte, at) => differs | (byte ^ (challenge[at] ?? 0)), 0) === 0;
  }

  #at(caller: string, madeAt: number): Uint8Array {
    const named = TEXT.encode(caller);
    const message = new Uint8Array(TIME_BYTES + named.length);
    new DataView(message.buffer).setBigUint64(0, BigInt(madeAt));
    message.set(named, TIME_BYTES);
    const challenge = new Uint8Array(CHALLENGE_BYTES);
    challenge.set(message.subarray(0, TIME_BYTES));
    challenge.set(hmac(sha256, this.#secret, message).subarray(0, CHALLENGE_BYTES - TIME_BYTES), TIME_BYTES);
    return challenge;
  }
}
