// Seals and opens live frames with the keys of the space, and judges whether what was opened is fresh.
import { deviceOf } from '../../protocol/roster.js';
import { toHex } from '../../protocol/hex.js';
import { liveKey, openLive, sealLive } from '../crypto/live-seal.js';
import type { LivePlace, OpenLiveInput, OpenedLive, SealLiveInput } from '../crypto/live-seal.js';
import { SealError } from '../crypto/seal-error.js';
import type { SealErrorCode } from '../crypto/seal-error.js';
import { LIVE_AGE_MS_MAX, LIVE_KEYS_MAX } from '../limits.js';
import type { SpaceContext } from '../space/space-context.js';

/** How live frames are sealed and opened. It is an interface only so that tests can measure what a relay would see without it. */
export interface LiveSealer {
  seal(input: SealLiveInput): Promise<Uint8Array>;
  open(input: OpenLiveInput): Promise<OpenedLive>;
}

/** The one that is used. */
export const LIVE_SEALER: LiveSealer = { seal: sealLive, open: openLive };

/** Where a frame belongs, beside what all of a space share. */
export type LiveTarget = Pick<LivePlace, 'purpose' | 'topic' | 'to'>;

interface SendingKey {
  readonly keyEpoch: number;
  readonly salt: Uint8Array;
  readonly key: Promise<CryptoKey>;
}

export interface SealedLive {
  readonly keyEpoch: number;
  readonly sealed: Uint8Array;
}

/** Why a frame of a peer is not handed on. */
export type LiveRejection = 'unknown_device' | 'unknown_key_epoch' | 'stale' | 'replayed' | 'gap' | SealErrorCode;

/** A frame that does not hold; the relay may be innocent of it. */
export class LiveRejected extends Error {
  readonly reason: LiveRejection;

  constructor(reason: LiveRejection, options?: ErrorOptions) {
    super(`a live frame was rejected: ${reason}`, options);
    this.name = 'LiveRejected';
    this.reason = reason;
  }
}

export class LiveCrypto {
  readonly #context: SpaceContext;
  readonly #sealer: LiveSealer;
  #started = 0;
  /** Never falls, so that no two frames of this process are of one place in order. */
  #counter = 0;
  #sending: SendingKey | undefined;
  readonly #opening = new Map<string, { readonly name: string; readonly key: Promise<CryptoKey> }>();

  constructor(context: SpaceContext, sealer: LiveSealer) {
    this.#context = context;
    this.#sealer = sealer;
  }

  /** A session begins, at this attested time. */
  begin(started: number): void {
    this.#started = started;
    this.#sending = undefined;
  }

  /** Frames get their place in order when this is called; undefined when this device has no key of the present epoch. */
  seal(target: LiveTarget, number: number, payload: Uint8Array): Promise<SealedLive> | undefined {
    const { ed25519, device, identity, log } = this.#context;
    const sending = this.#sendingKey();
    if (sending === undefined) return undefined;
    this.#counter += 1;
    const { keyEpoch, salt } = sending;
    const counter = this.#counter;
    const place = { space: identity.space, logId: identity.logId, device: device.key, ...target };
    const stamp = { started: this.#started, logTime: Math.max(this.#started, log.newest?.time ?? 0), number };
    return sending.key.then(async (key) => {
      const sealed = await this.#sealer.seal({ ed25519, seed: device.seed, key, salt, counter, keyEpoch, place, stamp, payload });
      return { keyEpoch, sealed };
    });
  }

  /** Opens a frame of a device; throws LiveRejected. */
  async open(device: Uint8Array, target: LiveTarget, { keyEpoch, sealed }: SealedLive): Promise<OpenedLive> {
    const { ed25519, roster, identity, log } = this.#context;
    if (roster.known === undefined || deviceOf(roster.known, device) === undefined) throw new LiveRejected('unknown_device');
    const epochKey = roster.keys.get(keyEpoch);
    if (epochKey === undefined) throw new LiveRejected('unknown_key_epoch');
    const place = { space: identity.space, logId: identity.logId, device, ...target };
    const keyOf = (salt: Uint8Array): Promise<CryptoKey> => this.#openingKey(epochKey, keyEpoch, device, salt);
    const opened = await this.#sealer.open({ ed25519, keyOf, keyEpoch, place, sealed }).catch((cause: unknown) => {
      throw cause instanceof SealError ? new LiveRejected(cause.code, { cause }) : cause;
    });
    if (opened.logTime + LIVE_AGE_MS_MAX < (log.newest?.time ?? 0)) throw new LiveRejected('stale');
    return opened;
  }

  #sendingKey(): SendingKey | undefined {
    const { roster, identity, device, environment } = this.#context;
    const keyEpoch = roster.known?.keyEpoch ?? 0;
    const epochKey = roster.keys.get(keyEpoch);
    if (epochKey === undefined) return undefined;
    if (this.#sending?.keyEpoch !== keyEpoch) {
      const salt = environment.randomBytes(32);
      this.#sending = { keyEpoch, salt, key: liveKey(epochKey, identity.space, device.key, salt, 'seal') };
    }
    return this.#sending;
  }

  // One key for each device: a sender uses a new one only in a new session or key epoch.
  #openingKey(epochKey: Uint8Array, keyEpoch: number, device: Uint8Array, salt: Uint8Array): Promise<CryptoKey> {
    const holder = toHex(device);
    const name = `${keyEpoch} ${toHex(salt)}`;
    const known = this.#opening.get(holder);
    if (known?.name === name) return known.key;
    const key = liveKey(epochKey, this.#context.identity.space, device, salt, 'open');
    if (known === undefined && this.#opening.size >= LIVE_KEYS_MAX) this.#opening.clear();
    this.#opening.set(holder, { name, key });
    return key;
  }
}
