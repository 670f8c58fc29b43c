// Takes an open space to the relay of another region: pause, reopen there with the same device, compare, go on; back when that fails.
import { ClientError } from '../client-error.js';
import { platformEnvironment } from '../environment.js';
import type { Environment } from '../environment.js';
import { REGION_MOVE_TIMEOUT_MS } from '../limits.js';
import type { Space } from '../space/space.js';
import type { RegionMove, RegionMover, RegionSwitchStep } from './region-client.js';
import type { Region } from './region-list.js';

export interface SpaceMoverOptions {
  /** The space, open at the relay of `relay`; null when the first move opens it. */
  readonly space: Space | null;
  /** The address of that relay, with its key. */
  readonly relay: string;
  /** Opens the same device at a relay: `(relay) => openSpace({ storage, relay })`, with the app's listeners. */
  readonly open: (relay: string) => Promise<Space>;
  /** The address of a region's relay, with its key, which no list of regions may be trusted with; undefined: there is none. */
  readonly relayOf: (region: Region) => string | undefined;
  /** Time to come online there. */
  readonly timeoutMs?: number;
  readonly environment?: Pick<Environment, 'after'>;
}

/** Holds the space of now; a store that user interfaces subscribe to. While a space is on its way there is none to push to. */
export class SpaceMover implements RegionMover {
  readonly #options: SpaceMoverOptions;
  readonly #environment: Pick<Environment, 'after'>;
  readonly #listeners = new Set<() => void>();
  #space: Space | null;
  #relay: string;
  #isMoving = false;

  constructor(options: SpaceMoverOptions) {
    this.#options = options;
    this.#environment = options.environment ?? platformEnvironment();
    this.#space = options.space;
    this.#relay = options.relay;
  }

  /** Calls the listener when another space object takes over; the returned function ends it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const entry = (): void => listener();
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  };

  /** The space of now; null while it is on its way. */
  readonly getSnapshot = (): Space | null => this.#space;

  async move(region: Region, step: (step: RegionSwitchStep) => void): Promise<RegionMove> {
    const relay = this.#options.relayOf(region);
    if (relay === undefined) throw new ClientError('region_unreachable', 'the address of the relay of the region is not known');
    const space = this.#space;
    if (this.#isMoving) throw new ClientError('region_busy', 'the space is on its way', { temporary: true });
    this.#isMoving = true;
    step('pausing');
    this.#adopt(null);
    try {
      space?.goOffline();
      await space?.close();
      step('connecting');
      const move = await this.#settle(relay, step);
      this.#relay = relay;
      return move;
    } catch (cause) {
      await this.#goBack();
      throw new ClientError('region_unreachable', 'the relay of the region did not take the space', { cause, temporary: true, hint: 'The space is where it was.' });
    } finally {
      this.#isMoving = false;
    }
  }

  async #goBack(): Promise<void> {
    try {
      this.#adopt(await this.#options.open(this.#relay));
    } catch (cause) {
      throw new ClientError('closed', 'the space could not be opened again where it was', { cause, hint: 'What it holds is in its storage; open it from there.' });
    }
  }

  async #settle(relay: string, step: (step: RegionSwitchStep) => void): Promise<RegionMove> {
    const space = await this.#options.open(relay);
    let verified = false;
    const stop = space.on('moved', (event) => {
      verified = event.verified;
    });
    const giveUp = new AbortController();
    const timer = this.#environment.after(this.#options.timeoutMs ?? REGION_MOVE_TIMEOUT_MS, () => giveUp.abort(new Error('it took too long')));
    try {
      await isOnline(space, giveUp.signal);
      step('resuming');
      this.#adopt(space);
      // A long outbox may take longer; what is not compared by then is not called verified.
      await space.whenSynced({ signal: giveUp.signal }).catch(() => undefined);
      return { verified };
    } catch (cause) {
      // Whoever used it already leaves it.
      this.#adopt(null);
      await space.close();
      throw cause;
    } finally {
      stop();
      timer.cancel();
    }
  }

  #adopt(space: Space | null): void {
    this.#space = space;
    for (const listener of [...this.#listeners]) listener();
  }
}

function isOnline(space: Space, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const { status, error } = space.status;
      if (status === 'online') resolve();
      else if (status === 'failed' || status === 'closed') reject(error ?? new ClientError('closed', 'the space was closed'));
      else if (signal.aborted) reject(signal.reason as Error);
      else return;
      stop();
      signal.removeEventListener('abort', look);
    };
    const stop = space.on('status', look);
    signal.addEventListener('abort', look);
    look();
  });
}
