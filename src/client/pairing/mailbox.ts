// A mailbox: a space that two devices share for as long as they pair. Everything in it may be read and written by whoever finds the first three words of the code.
import { parseRelayAddress } from '../../protocol/address.js';
import { fromHex } from '../../protocol/hex.js';
import { ClientError } from '../client-error.js';
import { ed25519Fallback } from '../crypto/ed25519-fallback.js';
import type { Environment } from '../environment.js';
import { erasing } from '../erasing/index.js';
import type { ErasingCalls } from '../erasing/index.js';
import { PAIRING_ERASE_MS_MAX, PAIRING_MESSAGES_MAX } from '../limits.js';
import type { Internals } from '../space/internals.js';
import { openSpaceWith } from '../space/open.js';
import type { Space } from '../space/space.js';
import type { SpaceOptions } from '../space/space-options.js';
import { httpFallback } from '../transport/index.js';
import { decodeMessage, encodeMessage } from './messages.js';
import type { PairingMessage } from './messages.js';
import { mailboxLinkOf } from './pairing-code.js';
import type { PairingCode } from './pairing-code.js';

/** How the relay is reached, as for any space. */
export type MailboxOptions = Pick<SpaceOptions, 'webSocket' | 'environment' | 'admission'>;

export interface MailboxHandler {
  /** A message, in the order of the mailbox; the next one waits until this is done. */
  readonly take: (message: PairingMessage) => Promise<void>;
  readonly failed: (error: ClientError) => void;
}

export class Mailbox {
  readonly id: Uint8Array;
  readonly #space: Space & ErasingCalls;
  #begin: (handler: MailboxHandler) => void = () => undefined;
  /** What was read before listen() is handed on with it. */
  readonly #handler: Promise<MailboxHandler>;
  #queue: Promise<void> = Promise.resolve();
  #seen = 0;
  #closed = false;

  private constructor(space: Space & ErasingCalls, id: Uint8Array) {
    this.#space = space;
    this.id = id;
    this.#handler = new Promise((resolve) => {
      this.#begin = resolve;
    });
    space.subscribe(({ items }) => items.forEach((item) => this.#take(item)));
    space.on('status', ({ error }) => error !== null && void this.#fail(error));
    // Whoever waits for room in a mailbox waits longer than a code holds.
    space.on('error', (error) => error.code === 'quota_exceeded' && void this.#fail(error));
  }

  /** `found` makes it; a mailbox that was there before is refused with `pairing_taken`. */
  static async open(relay: string, code: PairingCode, options: MailboxOptions, internals: Internals, how: 'found' | 'enter', signal?: AbortSignal): Promise<Mailbox> {
    const link = mailboxLinkOf(parseRelayAddress(relay), code);
    const given = { ...reached(options), link, batchWindowMs: 0, create: how === 'found', parts: [erasing, httpFallback, ed25519Fallback] as const };
    const space = await openSpaceWith(signal === undefined ? given : { ...given, signal }, internals);
    if (how === 'found' && space.devices().length !== 1) {
      await space.close();
      throw new ClientError('pairing_taken', 'somebody else uses this mailbox', { temporary: true });
    }
    return new Mailbox(space, fromHex(space.id) ?? new Uint8Array());
  }

  /** To be called once. */
  listen(handler: MailboxHandler): void {
    this.#begin(handler);
  }

  /** Resolves when the relay has stored it. */
  async send(message: PairingMessage): Promise<void> {
    await this.#space.push(encodeMessage(message)).durable('relay');
  }

  /** Resolves when everything that is in the mailbox now was handed on. */
  async read(): Promise<void> {
    await this.#space.whenSynced();
    await this.#queue;
  }

  #take(item: Uint8Array): void {
    this.#seen += 1;
    if (this.#seen === PAIRING_MESSAGES_MAX + 1) void this.#fail(new ClientError('pairing_flooded', 'somebody fills the mailbox', { hint: 'Make a new code.' }));
    const message = decodeMessage(item);
    if (message === undefined || this.#seen > PAIRING_MESSAGES_MAX) return;
    const handle = async (): Promise<void> => {
      const { take } = await this.#handler;
      if (!this.#closed) await take(message);
    };
    this.#queue = this.#queue.then(handle).catch((cause: unknown) => this.#fail(asClientError(cause)));
  }

  async #fail(error: ClientError): Promise<void> {
    const { failed } = await this.#handler;
    if (!this.#closed) failed(error);
  }

  // A relay that cannot be reached, or does not erase, forgets it with the other spaces that nobody visits.
  async #erase(): Promise<void> {
    try {
      await this.#space.erase();
    } catch (cause) {
      if (!(cause instanceof ClientError)) throw cause;
    }
  }

  /** Leaves it; `erase` lets the relay overwrite it, as far as it can be reached. */
  async close(erase: boolean, environment: Environment): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (erase) await Promise.race([this.#erase(), pause(environment)]);
    await this.#space.close();
  }
}

/** Nothing else of what an app chose for its space is for a mailbox. */
function reached({ webSocket, environment, admission }: MailboxOptions): MailboxOptions {
  return { ...(webSocket === undefined ? {} : { webSocket }), ...(environment === undefined ? {} : { environment }), ...(admission === undefined ? {} : { admission }) };
}

function pause(environment: Environment): Promise<void> {
  return new Promise((resolve) => void environment.after(PAIRING_ERASE_MS_MAX, resolve));
}

export function asClientError(cause: unknown): ClientError {
  return cause instanceof ClientError ? cause : new ClientError('internal', 'the pairing failed', { cause });
}
