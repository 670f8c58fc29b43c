/*
 * The two sides of a pairing as state machines without I/O: a message of the mailbox goes in, what is to be done comes out. A machine
 * that is fed the whole mailbox again, after a reload, does the same again.
 *
 * Invariants: X1 the offerer answers one share and no other, also after a reload: one guess for each mailbox; X2 nothing is sealed or
 * opened before the other side proved that it has the key; X3 what is to be remembered comes before the message it permits.
 */
import { ByteWriter } from '../../protocol/byte-writer.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { domain } from '../../protocol/hash.js';
import { derivePairing, holdsPairingProof, openPairing, pairingProof, sealPairing } from '../crypto/pairing-seal.js';
import type { PairingRole } from '../crypto/pairing-seal.js';
import type { Random } from '../crypto/platform.js';
import { cpaceKey, cpaceShare } from './cpace.js';
import type { CpaceMessage } from './cpace.js';
import type { EndReason, PairingMessage } from './messages.js';

const STATED: Readonly<Record<PairingRole, Uint8Array>> = { joiner: new TextEncoder().encode('joiner'), offerer: new TextEncoder().encode('offerer') };

/** What both sides know of a mailbox, and what is random on one side. */
export interface ExchangeInput {
  /** The space id of the mailbox. */
  readonly mailbox: Uint8Array;
  readonly logId: Uint8Array;
  /** The secret words. */
  readonly secret: string;
  /** 32 random bytes of this side, for this pairing only. */
  readonly seed: Uint8Array;
  readonly random: Random;
}

/** - `remember`: to be durable before anything after it is done. - `sealed-keys`, `handover`: what the other side sealed. */
export type ExchangeStep =
  | { readonly do: 'send'; readonly message: PairingMessage }
  | { readonly do: 'remember'; readonly answered: Uint8Array }
  | { readonly do: 'admit'; readonly keys: Uint8Array }
  | { readonly do: 'adopt'; readonly handover: Uint8Array }
  | { readonly do: 'done' }
  | { readonly do: 'fail'; readonly reason: EndReason | 'taken' };

class Side {
  readonly input: ExchangeInput;
  readonly share: Uint8Array;
  readonly #role: PairingRole;
  readonly #scalar: Uint8Array;
  #key: Uint8Array | undefined;

  constructor(role: PairingRole, input: ExchangeInput) {
    this.#role = role;
    this.input = input;
    this.#scalar = derivePairing(input.seed, 'scalar');
    const channel = new ByteWriter(64).raw(domain('pairing')).raw32(input.logId).finish();
    this.share = cpaceShare({ secret: new TextEncoder().encode(input.secret), channel, session: input.mailbox }, this.#scalar);
  }

  get key(): Uint8Array | undefined {
    return this.#key;
  }

  /** Whether the other side's share is one. */
  agree(other: Uint8Array): boolean {
    const [own, others]: [CpaceMessage, CpaceMessage] = [
      { share: this.share, stated: STATED[this.#role] },
      { share: other, stated: STATED[this.#role === 'joiner' ? 'offerer' : 'joiner'] },
    ];
    const [a, b] = this.#role === 'joiner' ? [own, others] : [others, own];
    this.#key = cpaceKey(this.#scalar, other, this.input.mailbox, a, b);
    return this.#key !== undefined;
  }
}

/** The side that lets a device in. */
export class OfferExchange {
  readonly #side: Side;
  #answered: Uint8Array | null;
  #sent = false;
  #admitted = false;

  /** `answered` is the share that was answered before a reload. */
  constructor(input: ExchangeInput, answered: Uint8Array | null) {
    this.#side = new Side('offerer', input);
    this.#answered = answered;
  }

  async receive(message: PairingMessage): Promise<readonly ExchangeStep[]> {
    switch (message.type) {
      case 'hello':
        return this.#hello(message.share);
      case 'proof':
        return this.#proof(message);
      case 'done':
        return this.#isOf(message.from) && this.#admitted ? [{ do: 'done' }] : [];
      case 'end':
        return message.role === 'joiner' && !this.#admitted ? [{ do: 'fail', reason: message.reason }] : [];
      default:
        return [];
    }
  }

  /** The message that hands everything over, to the device that was admitted. */
  async handover(plaintext: Uint8Array): Promise<PairingMessage> {
    const { key, input } = this.#side;
    if (key === undefined || this.#answered === null || !this.#admitted) throw new RangeError('nobody was admitted');
    return { type: 'handover', to: this.#answered, sealed: await sealPairing(key, 'offerer', plaintext, input.random) };
  }

  #hello(share: Uint8Array): readonly ExchangeStep[] {
    // Who comes second sees in the mailbox that somebody was first.
    if (this.#sent || (this.#answered !== null && !equalBytes(this.#answered, share))) return [];
    if (!this.#side.agree(share) || this.#side.key === undefined) return [{ do: 'fail', reason: 'wrong_code' }];
    this.#answered = share.slice();
    this.#sent = true;
    const proof = pairingProof(this.#side.key, 'offerer');
    return [
      { do: 'remember', answered: this.#answered },
      { do: 'send', message: { type: 'answer', to: this.#answered, share: this.#side.share, proof } },
    ];
  }

  async #proof({ from, proof, sealed }: PairingMessage & { readonly type: 'proof' }): Promise<readonly ExchangeStep[]> {
    const { key } = this.#side;
    if (key === undefined || this.#admitted || !this.#isOf(from)) return [];
    const keys = holdsPairingProof(key, 'joiner', proof) ? await openPairing(key, 'joiner', sealed) : undefined;
    if (keys === undefined) return [{ do: 'fail', reason: 'wrong_code' }];
    this.#admitted = true;
    return [{ do: 'admit', keys }];
  }

  #isOf(share: Uint8Array): boolean {
    return this.#answered !== null && equalBytes(this.#answered, share);
  }
}

/** The side that comes in. */
export class JoinExchange {
  readonly #side: Side;
  readonly #keys: Uint8Array;
  #first: Uint8Array | undefined;
  #proved = false;
  #over = false;

  /** `keys` is what it tells of itself once it knows whom it speaks to. */
  constructor(input: ExchangeInput, keys: Uint8Array) {
    this.#side = new Side('joiner', input);
    this.#keys = keys;
  }

  /** To be sent when nobody has spoken in the mailbox; undefined when somebody has, this device before a reload included. */
  get hello(): PairingMessage | undefined {
    return this.#first === undefined ? { type: 'hello', share: this.#side.share } : undefined;
  }

  get done(): PairingMessage {
    return { type: 'done', from: this.#side.share };
  }

  async receive(message: PairingMessage): Promise<readonly ExchangeStep[]> {
    if (this.#over) return [];
    const steps = await this.#judge(message);
    this.#over = steps.some((step) => step.do === 'fail' || step.do === 'adopt');
    return steps;
  }

  async #judge(message: PairingMessage): Promise<readonly ExchangeStep[]> {
    switch (message.type) {
      case 'hello':
        this.#first ??= message.share.slice();
        return equalBytes(this.#first, this.#side.share) ? [] : [{ do: 'fail', reason: 'taken' }];
      case 'answer':
        return this.#isOwn(message.to) ? this.#answer(message) : [];
      case 'handover':
        return this.#isOwn(message.to) ? this.#handover(message.sealed) : [];
      case 'end':
        return message.role === 'offerer' ? [{ do: 'fail', reason: message.reason }] : [];
      default:
        return [];
    }
  }

  async #answer({ share, proof }: PairingMessage & { readonly type: 'answer' }): Promise<readonly ExchangeStep[]> {
    if (this.#proved) return [];
    const agreed = this.#side.agree(share);
    const { key, input } = this.#side;
    if (!agreed || key === undefined || !holdsPairingProof(key, 'offerer', proof)) return [{ do: 'fail', reason: 'wrong_code' }];
    this.#proved = true;
    const sealed = await sealPairing(key, 'joiner', this.#keys, input.random);
    return [{ do: 'send', message: { type: 'proof', from: this.#side.share, proof: pairingProof(key, 'joiner'), sealed } }];
  }

  // One that does not hold says nothing: whoever knows the mailbox can write one.
  async #handover(sealed: Uint8Array): Promise<readonly ExchangeStep[]> {
    const { key } = this.#side;
    const handover = key === undefined || !this.#proved ? undefined : await openPairing(key, 'offerer', sealed);
    return handover === undefined ? [] : [{ do: 'adopt', handover }];
  }

  #isOwn(share: Uint8Array): boolean {
    return equalBytes(share, this.#side.share);
  }
}
