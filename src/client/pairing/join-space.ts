// The side of a pairing that comes in: with a typed or scanned code, without ever holding the root secret.
import { AddressError, parseRelayAddress } from '../../protocol/address.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { FrameError } from '../../protocol/frame-error.js';
import { deviceOf } from '../../protocol/roster.js';
import { ClientError } from '../client-error.js';
import { createEd25519 } from '../crypto/ed25519.js';
import { ed25519Fallback, lazyEd25519 } from '../crypto/ed25519-fallback.js';
import { generateDeviceSecret } from '../crypto/keys.js';
import type { DeviceSecret } from '../crypto/keys.js';
import { derivePairing } from '../crypto/pairing-seal.js';
import { environmentWith } from '../environment.js';
import type { Environment, Timer } from '../environment.js';
import { PAIRING_LIFE_MS } from '../limits.js';
import { AttestationVerifier } from '../log/attestation-verifier.js';
import { decodeAttestation } from '../log/encode-attestation.js';
import { MisbehaviourError } from '../misbehaviour.js';
import { SpaceRoster } from '../roster/space-roster.js';
import type { Internals } from '../space/internals.js';
import { freshState } from '../space/fresh-state.js';
import { decodeHandover } from '../space/handover.js';
import type { SpaceHandover } from '../space/handover.js';
import { ENROLL_TIMEOUT_MS, openSpaceWith } from '../space/open.js';
import type { Space } from '../space/space.js';
import type { SpaceOptions } from '../space/space-options.js';
import type { CallsOf, SpacePart } from '../space/space-part.js';
import { MemoryDeviceStore } from '../store/device-store.js';
import type { DeviceState, DeviceStore } from '../store/device-store.js';
import { httpFallback } from '../transport/index.js';
import { JoinExchange } from './exchange.js';
import type { ExchangeStep } from './exchange.js';
import { encodeJoinerKeys } from './joiner-keys.js';
import { Mailbox, asClientError } from './mailbox.js';
import { isPairingLink, parseCode, parsePairingLink } from './pairing-code.js';
import { pairingError } from './pairing-errors.js';
import { MemoryPairingStorage } from './pairing-storage.js';
import type { PairingRecord, PairingStorage } from './pairing-storage.js';

export interface JoinSpaceOptions<P extends readonly SpacePart[] = readonly SpacePart[]> extends SpaceOptions<P> {
  /** The six words as they were typed, or the text of the scanned code. Absent: goes on with what `pairing` holds after a reload. */
  readonly code?: string | undefined;
  /** The relay address; a scanned code names it. */
  readonly relay?: string;
  /** Keeps the pairing over a reload. */
  readonly pairing?: PairingStorage;
  readonly signal?: AbortSignal;
}

/**
 * Brings this device into the space whose device offers the code, and opens the space. Rejects with WordError (`unknown_word`),
 * `word_count`, `word_checksum`, `pairing_unknown`, `pairing_wrong_code`, `pairing_taken`, `pairing_expired`, `pairing_cancelled`,
 * `pairing_refused`, or as openSpace does.
 */
export async function joinSpaceWith<const P extends readonly SpacePart[] = readonly []>(options: JoinSpaceOptions<P>, internals: Internals): Promise<Space & CallsOf<P>> {
  const { code: _, relay: __, pairing: kept, signal, ...spaceOptions } = options;
  const environment = environmentWith(options.environment);
  const storage = options.storage ?? new MemoryDeviceStore();
  const pairing = kept ?? new MemoryPairingStorage();
  if ((await storage.load()) === null) {
    const record = await recordOf(options, pairing, environment);
    await new Joining({ options: spaceOptions, internals, environment, storage, pairing, record, signal }).run();
  }
  await pairing.save(null);
  // What the mailbox was reached with is here already, and serves the space too.
  const parts: readonly SpacePart[] = [...(spaceOptions.parts ?? []), httpFallback, ed25519Fallback];
  return openSpaceWith({ ...spaceOptions, storage, parts }, internals) as Promise<Space & CallsOf<P>>;
}

async function recordOf({ code, relay }: JoinSpaceOptions, pairing: PairingStorage, environment: Environment): Promise<PairingRecord> {
  const kept = await pairing.load();
  const own = kept?.role === 'joiner' ? kept : null;
  const known = own !== null && own.expiresAt > environment.now() ? own : null;
  if (code === undefined) {
    if (known !== null) return known;
    if (own === null) throw new ClientError('pairing_none', 'there is no pairing to go on with', { hint: 'Type the code of the other device.' });
    await pairing.save(null);
    throw pairingError('expired');
  }
  const given = isPairingLink(code) ? parsePairingLink(code) : { relay, code: parseCode(code) };
  const { words } = given.code;
  // Words typed again after a reload need no relay, when it was a scanned code that named it.
  if (known !== null && known.code === words && (given.relay ?? known.relay) === known.relay) return known;
  const at = given.relay ?? '';
  addressOf(at);
  const record: PairingRecord = { role: 'joiner', relay: at, code: words, seed: environment.randomBytes(32), expiresAt: environment.now() + PAIRING_LIFE_MS, answered: null };
  await pairing.save(record);
  return record;
}

interface JoiningOptions {
  readonly options: SpaceOptions;
  readonly internals: Internals;
  readonly environment: Environment;
  readonly storage: DeviceStore;
  readonly pairing: PairingStorage;
  readonly record: PairingRecord;
  readonly signal: AbortSignal | undefined;
}

class Joining {
  readonly #given: JoiningOptions;
  #settle: { readonly resolve: () => void; readonly reject: (cause: ClientError) => void } | undefined;

  constructor(given: JoiningOptions) {
    this.#given = given;
  }

  /** Resolves when the storage holds the device. */
  async run(): Promise<void> {
    const { record, environment, pairing, signal } = this.#given;
    const ended = new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    ended.catch(() => undefined);
    const expiry = environment.after(record.expiresAt - environment.now(), () => this.#fail(pairingError('expired')));
    const aborted = (): void => this.#fail(asClientError(signal?.reason));
    signal?.addEventListener('abort', aborted, { once: true });
    let mailbox: Mailbox | undefined;
    try {
      mailbox = await this.#enter();
      // What waits for the mailbox would wait for ever once it has failed.
      await Promise.race([this.#begin(mailbox).then(() => ended), ended]);
    } catch (cause) {
      // One try for each code: what failed is not gone on with. A relay that was away says nothing of the code, and the same keys are to come back with it.
      if (!(cause instanceof ClientError && cause.temporary)) await pairing.save(null);
      throw cause;
    } finally {
      this.#cleanUp(expiry, aborted);
      await mailbox?.close(false, environment);
    }
  }

  #cleanUp(expiry: Timer, aborted: () => void): void {
    expiry.cancel();
    this.#given.signal?.removeEventListener('abort', aborted);
  }

  async #enter(): Promise<Mailbox> {
    const { record, options, internals, environment, signal } = this.#given;
    signal?.throwIfAborted();
    // A signal that lets a person give up does not mean to wait for a relay as long as the code holds.
    const giveUp = new AbortController();
    const timer = environment.after(ENROLL_TIMEOUT_MS, () => giveUp.abort(new ClientError('relay_unreachable', 'the relay could not be reached', { temporary: true })));
    const aborted = (): void => giveUp.abort(signal?.reason);
    signal?.addEventListener('abort', aborted, { once: true });
    try {
      return await Mailbox.open(record.relay, parseCode(record.code), options, internals, 'enter', giveUp.signal);
    } catch (cause) {
      // A relay says of a space that it does not know what it says of one that nobody may enter.
      const isUnknown = cause instanceof ClientError && (cause.code === 'handshake_failed' || cause.code === 'space_erased');
      throw isUnknown ? pairingError('unknown', cause) : cause;
    } finally {
      timer.cancel();
      signal?.removeEventListener('abort', aborted);
    }
  }

  async #begin(mailbox: Mailbox): Promise<void> {
    const { record, options, environment } = this.#given;
    const ed25519 = await createEd25519(lazyEd25519);
    const device = await deviceFrom(record.seed, ed25519);
    const input = { mailbox: mailbox.id, logId: addressOf(record.relay).logId, secret: parseCode(record.code).secret, seed: record.seed, random: (length: number) => environment.randomBytes(length) };
    const exchange = new JoinExchange(input, encodeJoinerKeys({ key: device.key, hpke: device.hpke, name: options.deviceName ?? '' }));
    mailbox.listen({
      take: async (message) => {
        // A machine that slept may hear of a message before its timers do.
        if (environment.now() >= record.expiresAt) return this.#fail(pairingError('expired'));
        for (const step of await exchange.receive(message)) await this.#do(step, mailbox, exchange, device, ed25519);
      },
      failed: (error) => this.#fail(error.code === 'space_erased' ? pairingError('cancelled', error) : error),
    });
    await mailbox.read();
    if (exchange.hello !== undefined) await mailbox.send(exchange.hello);
  }

  async #do(step: ExchangeStep, mailbox: Mailbox, exchange: JoinExchange, device: DeviceSecret, ed25519: Ed25519): Promise<void> {
    const { storage, pairing } = this.#given;
    switch (step.do) {
      case 'send':
        return mailbox.send(step.message);
      case 'adopt':
        await storage.save(await stateFrom(step.handover, device, ed25519));
        // The other side waits for it, and does without it.
        await mailbox.send(exchange.done).catch(() => undefined);
        return this.#settle?.resolve();
      case 'fail':
        if (step.reason === 'wrong_code') {
          await pairing.save(null);
          await mailbox.send({ type: 'end', role: 'joiner', reason: 'wrong_code' }).catch(() => undefined);
        }
        return this.#fail(pairingError(step.reason));
      default:
        return undefined;
    }
  }

  #fail(error: ClientError): void {
    this.#settle?.reject(error);
  }
}

/** The same keys after a reload, so that a device that was let in meanwhile is this one. */
async function deviceFrom(seed: Uint8Array, ed25519: Ed25519): Promise<DeviceSecret> {
  const parts = [derivePairing(seed, 'device'), derivePairing(seed, 'device-hpke')];
  return generateDeviceSecret(() => parts.shift() ?? new Uint8Array(), ed25519);
}

/** Believes the other device that this is its space, and nothing that its signatures do not show. */
async function stateFrom(bytes: Uint8Array, device: DeviceSecret, ed25519: Ed25519): Promise<DeviceState> {
  try {
    const handover = decodeHandover(bytes);
    const { space, relay, roster: news, names, head } = handover;
    const roster = new SpaceRoster(space, device, ed25519);
    await roster.update(news);
    if (roster.known === undefined || deviceOf(roster.known, device.key) === undefined) throw new ClientError('pairing_refused', 'the roster that was handed over does not have this device');
    const expected = head === null ? null : await soundHead(handover, head, ed25519);
    const state = freshState(addressOf(relay), space.slice(), null, device, { ...roster.state(), confirmed: false });
    return { ...state, expected, names: names.map((known) => ({ ...known, device: known.device.slice() })) };
  } catch (cause) {
    if (cause instanceof FrameError || cause instanceof MisbehaviourError) throw pairingError('refused', cause);
    throw cause;
  }
}

async function soundHead({ space, relay }: SpaceHandover, head: Uint8Array, ed25519: Ed25519): Promise<Uint8Array> {
  const verifier = new AttestationVerifier({ space, logId: addressOf(relay).logId }, ed25519);
  const attestation = decodeAttestation(head);
  if (!(await verifier.holds(attestation))) throw new ClientError('pairing_refused', 'the head that was handed over is not signed by the relay');
  return head.slice();
}

function addressOf(relay: string): ReturnType<typeof parseRelayAddress> {
  try {
    return parseRelayAddress(relay);
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new ClientError('bad_address', cause.message, { cause, hint: 'Words alone do not say which relay; give its address, or scan the code.' });
  }
}
