/*
 * The side of a pairing that lets a device in: makes a code, waits for one device that knows it, signs it into the roster, and hands
 * it what it needs. It works as a store, so that a user interface can show it.
 */
import { parseRelayAddress } from '../../protocol/address.js';
import { toHex } from '../../protocol/hex.js';
import type { DeviceRights } from '../../protocol/roster.js';
import { ClientError } from '../client-error.js';
import { environmentWith, sleep } from '../environment.js';
import type { Environment, Timer } from '../environment.js';
import { PAIRING_CODES_TRIED_MAX, PAIRING_LIFE_MS, PAIRING_LINGER_MS, PAIRING_RETRY_MS, PAIRING_SPACE_WAIT_MS } from '../limits.js';
import type { Internals } from '../space/internals.js';
import { encodeHandover } from '../space/handover.js';
import type { PairingSpace } from '../space/pairing-space.js';
import { OfferExchange } from './exchange.js';
import type { ExchangeStep } from './exchange.js';
import { decodeJoinerKeys } from './joiner-keys.js';
import { Mailbox, asClientError } from './mailbox.js';
import type { MailboxOptions } from './mailbox.js';
import type { EndReason } from './messages.js';
import { formatPairingLink, freshCode, parseCode } from './pairing-code.js';
import type { PairingCode } from './pairing-code.js';
import { pairingError } from './pairing-errors.js';
import { MemoryPairingStorage } from './pairing-storage.js';
import type { PairingRecord, PairingStorage } from './pairing-storage.js';

/** `offered`: the code waits for a device. `confirming`: one is there, and is let in when it shows that it knows the code. */
export type PairingPhase = 'idle' | 'opening' | 'offered' | 'confirming' | 'paired' | 'failed';

export interface PairingState {
  readonly phase: PairingPhase;
  /** The six words, while they hold. */
  readonly code: string | null;
  /** What a QR code shows instead, while it holds. */
  readonly link: string | null;
  /** Unix milliseconds. */
  readonly expiresAt: number | null;
  /** The device that came in. */
  readonly device: { readonly device: string; readonly name: string } | null;
  readonly error: ClientError | null;
}

export interface PairingOfferOptions extends MailboxOptions {
  /** The space a device is let into. This device must be an admin of it, or hold its link. */
  readonly space: PairingSpace;
  /** What the new device may do; `admin` when absent. */
  readonly rights?: DeviceRights;
  /** Keeps a pairing over a reload; see resume(). */
  readonly storage?: PairingStorage;
}

const IDLE: PairingState = { phase: 'idle', code: null, link: null, expiresAt: null, device: null, error: null };

/** One offer that is under way. */
interface Running {
  readonly mailbox: Mailbox;
  readonly exchange: OfferExchange;
  readonly record: PairingRecord;
  readonly expiry: Timer;
  /** Ends waits when the offer is over. */
  readonly over: AbortController;
}

/** The side of a pairing that lets a device in. A store that a user interface can show. */
export class PairingOffer {
  readonly #options: PairingOfferOptions;
  readonly #internals: Internals;
  readonly #environment: Environment;
  readonly #storage: PairingStorage;
  readonly #listeners = new Set<() => void>();
  #state = IDLE;
  #running: Running | undefined;
  /** Counts offers and cancellations, so that one that was cancelled while it opened is not shown. */
  #attempt = 0;
  #settling: Promise<void> = Promise.resolve();

  constructor(options: PairingOfferOptions, internals: Internals = {}) {
    this.#options = options;
    this.#internals = internals;
    this.#environment = environmentWith(options.environment);
    this.#storage = options.storage ?? new MemoryPairingStorage();
  }

  // Both are handed on without their object, as stores are.
  readonly subscribe = (listener: () => void): (() => void) => {
    const entry = (): void => listener();
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  };

  readonly getSnapshot = (): PairingState => this.#state;

  /** Makes a code; resolves when it can be shown. One that is offered already stays. Rejects when the relay takes no mailbox. */
  async offer(): Promise<void> {
    if (this.#isOpen()) return;
    const attempt = this.#begin();
    try {
      await this.#start(await this.#found(), attempt);
    } catch (cause) {
      if (this.#attempt === attempt) this.#set({ ...IDLE, phase: 'failed', error: asClientError(cause) });
      throw asClientError(cause);
    }
  }

  /** Goes on with an offer that a reload interrupted; false when there is none. */
  async resume(): Promise<boolean> {
    const record = await this.#storage.load();
    if (this.#isOpen() || record?.role !== 'offerer' || record.expiresAt <= this.#environment.now()) return false;
    const attempt = this.#begin();
    try {
      const mailbox = await Mailbox.open(record.relay, parseCode(record.code), this.#options, this.#internals, 'enter');
      await this.#start({ mailbox, record }, attempt);
      return this.#running !== undefined;
    } catch (cause) {
      await this.#storage.save(null);
      if (this.#attempt === attempt) this.#set({ ...IDLE, phase: 'failed', error: asClientError(cause) });
      return false;
    }
  }

  /** Ends it; a device that waits is told. */
  cancel(): void {
    this.#attempt += 1;
    if (this.#running !== undefined) this.#end('cancelled', IDLE);
    else if (this.#state.phase !== 'idle') this.#set(IDLE);
  }

  /** Resolves when nothing of the last offer is left to be done: its mailbox is closed and, where the relay can be reached, erased. */
  settled(): Promise<void> {
    return this.#settling;
  }

  #begin(): number {
    this.#attempt += 1;
    this.#set({ ...IDLE, phase: 'opening' });
    return this.#attempt;
  }

  async #found(): Promise<{ mailbox: Mailbox; record: PairingRecord }> {
    const { space } = this.#options;
    const { relay } = await space.handover();
    const internals = { ...this.#internals, sponsor: space.sponsor() };
    let hasWaited = false;
    const random = (length: number): Uint8Array => this.#environment.randomBytes(length);
    for (let tries = 1; ; tries += 1) {
      const code = freshCode(random);
      try {
        const mailbox = await Mailbox.open(relay, code, this.#options, internals, 'found');
        const record: PairingRecord = { role: 'offerer', relay, code: code.words, seed: random(32), expiresAt: this.#environment.now() + PAIRING_LIFE_MS, answered: null };
        await this.#storage.save(record);
        return { mailbox, record };
      } catch (cause) {
        const { code: failure } = asClientError(cause);
        const isTaken = failure === 'pairing_taken' || failure === 'space_erased';
        // A relay cannot take the word of a space that is still on its way to it.
        const isEarly: boolean = failure === 'sponsor_refused' && !hasWaited && (await this.#isThere());
        hasWaited ||= isEarly;
        if (!(isTaken || isEarly) || tries >= PAIRING_CODES_TRIED_MAX) throw cause;
      }
    }
  }

  /** Resolves once the relay has the space, or it is clear that this takes too long. */
  async #isThere(): Promise<boolean> {
    const { space } = this.#options;
    if (space.status.status === 'failed') return false;
    const giveUp = new AbortController();
    const timer = this.#environment.after(PAIRING_SPACE_WAIT_MS, () => giveUp.abort(new ClientError('offline', 'the space is not synced', { temporary: true })));
    return space.whenSynced({ signal: giveUp.signal }).then(() => true, () => false).finally(() => timer.cancel());
  }

  async #start({ mailbox, record }: { mailbox: Mailbox; record: PairingRecord }, attempt: number): Promise<void> {
    if (this.#attempt !== attempt) {
      await this.#storage.save(null);
      return mailbox.close(true, this.#environment);
    }
    const code = parseCode(record.code);
    const address = parseRelayAddress(record.relay);
    const input = { mailbox: mailbox.id, logId: address.logId, secret: code.secret, seed: record.seed, random: (length: number) => this.#environment.randomBytes(length) };
    const expiry = this.#environment.after(record.expiresAt - this.#environment.now(), () => this.#fail('expired', pairingError('expired')));
    const running: Running = { mailbox, record, expiry, exchange: new OfferExchange(input, record.answered), over: new AbortController() };
    this.#running = running;
    this.#set(shown(record, code));
    mailbox.listen({
      take: async (message) => {
        // A machine that slept may hear of a message before its timers do.
        if (this.#running === running && this.#environment.now() >= record.expiresAt) this.#fail('expired', pairingError('expired'));
        for (const step of await running.exchange.receive(message)) if (this.#running === running) await this.#do(running, step);
      },
      failed: (error) => {
        if (this.#running === running) this.#fail('refused', error);
      },
    });
  }

  async #do(running: Running, step: ExchangeStep): Promise<void> {
    switch (step.do) {
      case 'remember':
        await this.#storage.save({ ...running.record, answered: step.answered });
        return this.#set({ ...this.#state, phase: 'confirming' });
      case 'send':
        return running.mailbox.send(step.message);
      case 'admit':
        return this.#admit(running, step.keys);
      case 'done':
        return this.#end(null, this.#state);
      case 'fail':
        return this.#fail(null, pairingError(step.reason));
      case 'adopt':
        return undefined;
    }
  }

  async #admit(running: Running, bytes: Uint8Array): Promise<void> {
    const keys = decodeJoinerKeys(bytes);
    if (keys === undefined) return this.#fail('refused', pairingError('refused'));
    const { space, rights = 'admin' } = this.#options;
    const signal = running.over.signal;
    for (;;) {
      try {
        await space.addDevice({ key: keys.key, hpke: keys.hpke, rights });
        break;
      } catch (cause) {
        if (signal.aborted) return;
        if (!(cause instanceof ClientError && cause.temporary)) return this.#fail('refused', asClientError(cause));
        await sleep(this.#environment, PAIRING_RETRY_MS, signal).catch(() => undefined);
        if (signal.aborted) return;
      }
    }
    try {
      signal.throwIfAborted();
      await running.mailbox.send(await running.exchange.handover(encodeHandover(await space.handover())));
    } catch (cause) {
      // Signed in, and told nothing of it: it would be in the list for good, and nobody would know whose it is.
      void space.removeDevice(toHex(keys.key)).catch(() => undefined);
      if (signal.aborted) return;
      throw cause;
    }
    this.#set({ ...this.#state, phase: 'paired', code: null, link: null, device: { device: toHex(keys.key), name: keys.name } });
  }

  #fail(tell: EndReason | null, error: ClientError): void {
    // A device that was let in is in, even when it never says that it has read everything.
    if (this.#state.phase === 'paired') return this.#end(null, this.#state);
    this.#end(tell ?? (error.code === 'pairing_wrong_code' ? 'wrong_code' : null), { ...IDLE, phase: 'failed', error });
  }

  #end(tell: EndReason | null, state: PairingState): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.expiry.cancel();
    running.over.abort(new ClientError('closed', 'the pairing is over'));
    this.#set(state);
    this.#settling = this.#settle(running, tell).catch(() => undefined);
  }

  // Best effort: whoever waits finds out by the end of the code's life at the latest.
  async #settle({ mailbox }: Running, tell: EndReason | null): Promise<void> {
    await this.#storage.save(null);
    if (tell !== null) {
      const signal = new AbortController().signal;
      const told = mailbox.send({ type: 'end', role: 'offerer', reason: tell }).catch(() => undefined);
      const linger = sleep(this.#environment, PAIRING_LINGER_MS, signal);
      await Promise.all([Promise.race([told, linger]), linger]);
    }
    await mailbox.close(true, this.#environment);
  }

  #isOpen(): boolean {
    return this.#running !== undefined || this.#state.phase === 'opening';
  }

  #set(state: PairingState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) listener();
  }
}

function shown(record: PairingRecord, code: PairingCode): PairingState {
  const link = formatPairingLink(parseRelayAddress(record.relay), code);
  return { ...IDLE, phase: record.answered === null ? 'offered' : 'confirming', code: code.words, link, expiresAt: record.expiresAt };
}
