// Does what the state machine says: opens transports, one at a time, and comes back when it is time.
import type { Timer } from '../environment.js';
import { Attempt } from './attempt.js';
import type { AttemptOptions } from './attempt.js';
import { retryDelayMs } from './backoff.js';
import type { ConnectionHandler } from './connection-handler.js';
import { transition } from './machine.js';
import type { ConnectionEffect, ConnectionEvent, ConnectionState } from './machine.js';

/** One connection at a time to one relay. */
export class ConnectionDriver {
  readonly #options: AttemptOptions;
  readonly #handler: ConnectionHandler;
  #state: ConnectionState = { kind: 'idle' };
  #attempt: Attempt | undefined;
  #latest: Attempt | undefined;
  #retry: Timer | undefined;
  readonly #deafen: (() => void) | undefined;

  constructor(options: AttemptOptions, handler: ConnectionHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#deafen = options.environment.network?.listen((event) => {
      if (event === 'back') options.openTransport.networkChanged?.();
      this.dispatch({ type: event === 'lost' ? 'network-lost' : 'network-back' });
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Resolves when the frame that was being handled, if any, is done with. */
  idle(): Promise<void> {
    return this.#latest?.idle ?? Promise.resolve();
  }

  /** Connects, or waits for a network when the platform says that there is none; asked again meanwhile, it tries all the same. */
  goOnline(): void {
    this.dispatch({ type: 'go-online', network: this.#hasNetwork() });
  }

  dispatch(event: ConnectionEvent): void {
    if (event.type === 'close') this.#deafen?.();
    const { state, effects } = transition(this.#state, event);
    const changed = state.kind !== this.#state.kind;
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    if (changed && this.#state === state) this.#handler.stateChanged(state);
  }

  #perform(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'open-transport':
        this.#attempt = new Attempt(this.#options, this.#handler, (event) => this.dispatch(event), this.#latest?.idle ?? Promise.resolve());
        this.#latest = this.#attempt;
        break;
      case 'close-transport':
        this.#attempt?.end();
        this.#attempt = undefined;
        break;
      case 'start-handshake':
        this.#attempt?.startHandshake();
        break;
      case 'session-up':
        this.#attempt?.startSession();
        break;
      case 'probe':
        this.#attempt?.probe();
        break;
      case 'session-down':
        this.#handler.down();
        break;
      case 'schedule-retry': {
        const { environment } = this.#options;
        this.#attempt?.end();
        this.#attempt = undefined;
        this.#retry = environment.after(retryDelayMs(effect.plan, environment.random()), () => this.dispatch({ type: 'retry-due', network: this.#hasNetwork() }));
        break;
      }
      case 'cancel-retry':
        this.#retry?.cancel();
        break;
    }
  }

  #hasNetwork(): boolean {
    return this.#options.environment.network?.online ?? true;
  }
}
