// The names under which peers meet, and their messages: as they are, or sealed with the sync key of all of them.
import { deriveForeignKeys, foreignToken, openRecord, sealRecord } from '../crypto/foreign-record.js';
import type { ForeignKeys } from '../crypto/foreign-record.js';
import type { Environment } from '../environment.js';
import { hash } from '../../protocol/hash.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { toHex } from '../../protocol/hex.js';

/** Random bytes before every message, so that the same one twice is not the same bytes. */
const SALT_BYTES = 16;
const utf8 = new TextEncoder();

export class MessageSeal {
  readonly #keys: ForeignKeys;
  readonly #seals: boolean;
  readonly #topic: string;
  readonly #randomBytes: Environment['randomBytes'];

  constructor(topic: string, syncKey: string | undefined, randomBytes: Environment['randomBytes']) {
    this.#keys = deriveForeignKeys(hash(utf8.encode(JSON.stringify(['pluresdb topic', topic, syncKey ?? '']))));
    this.#seals = syncKey !== undefined && syncKey !== '';
    this.#topic = topic;
    this.#randomBytes = randomBytes;
  }

  /** The topic as the relay sees it. */
  get relayTopic(): string {
    return this.#seals ? foreignToken(this.#keys, 'topic', '') : this.#topic;
  }

  /** The id of a peer as the relay and the others see it. */
  shownId(peerId: string): string {
    return this.#seals ? foreignToken(this.#keys, 'peer', peerId) : peerId;
  }

  /** The name under which peers find each other directly; who knows the name does not know the topic. */
  get directName(): Uint8Array {
    return hash(utf8.encode(foreignToken(this.#keys, 'discovery', '')));
  }

  /** Shows on one stream, for one side of it, that this peer knows the topic and the key. */
  proof(binding: Uint8Array, isInitiator: boolean): Uint8Array {
    return utf8.encode(foreignToken(this.#keys, isInitiator ? 'hello of the initiator' : 'hello of the other', toHex(binding)));
  }

  holds(proof: Uint8Array, binding: Uint8Array, isInitiator: boolean): boolean {
    return equalBytes(proof, this.proof(binding, isInitiator));
  }

  async seal(message: Uint8Array): Promise<Uint8Array> {
    if (!this.#seals) return message;
    const salted = new Uint8Array(SALT_BYTES + message.length);
    salted.set(this.#randomBytes(SALT_BYTES));
    salted.set(message, SALT_BYTES);
    return sealRecord(this.#keys, salted);
  }

  /** Throws SealError for what was not made with the key. */
  async open(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#seals ? (await openRecord(this.#keys, bytes)).subarray(SALT_BYTES) : bytes;
  }
}
