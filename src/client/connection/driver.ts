// Does what the state machine says: opens transports, runs the handshake, keeps the heartbeat, and hands frames over in order.
import { encodeClientFrame } from '../../protocol/client-frame-codec.js';
import type { ClientFrame } from '../../protocol/client-frame.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { FrameError } from '../../protocol/frame-error.js';
import { HANDSHAKE_TIMEOUT_MS, HEARTBEAT_MS } from '../../protocol/limits.js';
import { decodeRelayFrame } from '../../protocol/relay-frame-codec.js';
import type { GoawayFrame, RelayFrame, WelcomeFrame } from '../../protocol/relay-frame.js';
import { ClientError } from '../client-error.js';
import type { Environment, Timer } from '../environment.js';
import { CONNECT_TIMEOUT_MS, INBOUND_BYTES_MAX, SEND_BUFFER_BYTES_HIGH, SEND_BUFFER_POLL_MS, STABLE_AFTER_MS } from '../limits.js';
import type { OpenTransport, Transport } from '../transport/transport.js';
import { retryDelayMs } from './backoff.js';
import { Handshake } from './handshake.js';
import type { HandshakeOffer } from './handshake.js';
import { transition } from './machine.js';
import type { ConnectionEffect, ConnectionEvent, ConnectionState } from './machine.js';
import { relayRefusal } from './relay-refusal.js';
import type { RelayRefusal } from './relay-refusal.js';

/** What an open session may do with its connection. */
export interface SessionLink {
  send(frame: ClientFrame): void;
  /** Resolves when the send buffer is low enough for bulk frames, or the connection ended. */
  writable(): Promise<void>;
  /** Ends the connection and comes back after a back-off. */
  reconnect(): void;
}

/** Whom the driver serves. `opened` and `frame` are awaited one after the other; what they throw ends the connection for good. */
export interface ConnectionHandler {
  /** Asked at each attempt. */
  offer(): HandshakeOffer;
  opened(link: SessionLink, welcome: WelcomeFrame, raw: Uint8Array): Promise<void>;
  frame(frame: Exclude<RelayFrame, GoawayFrame>, raw: Uint8Array): Promise<void>;
  down(): void;
  /** True: the refusal may be overcome by what the next offer says, so come back. */
  refused(refusal: RelayRefusal): boolean;
  /** Turns what a handler threw into the error of the failed state. */
  failure(cause: unknown): ClientError;
  stateChanged(state: ConnectionState): void;
}

export interface DriverOptions {
  readonly environment: Environment;
  readonly openTransport: OpenTransport;
  readonly ed25519: Ed25519;
  readonly url: string;
}

/** One connection at a time to one relay. */
export class ConnectionDriver {
  readonly #options: DriverOptions;
  readonly #handler: ConnectionHandler;
  #state: ConnectionState = { kind: 'idle' };
  #attempt: Attempt | undefined;
  #latest: Attempt | undefined;
  #retry: Timer | undefined;

  constructor(options: DriverOptions, handler: ConnectionHandler) {
    this.#options = options;
    this.#handler = handler;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Resolves when the frame that was being handled, if any, is done with. */
  idle(): Promise<void> {
    return this.#latest?.idle ?? Promise.resolve();
  }

  dispatch(event: ConnectionEvent): void {
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
      case 'session-down':
        this.#handler.down();
        break;
      case 'schedule-retry': {
        const { environment } = this.#options;
        this.#attempt?.end();
        this.#attempt = undefined;
        this.#retry = environment.after(retryDelayMs(effect.plan, environment.random()), () => this.dispatch({ type: 'retry-due' }));
        break;
      }
      case 'cancel-retry':
        this.#retry?.cancel();
        break;
    }
  }
}

/** One transport with its handshake, its timers and its inbound queue; after `end` it is silent. */
class Attempt implements SessionLink {
  readonly #options: DriverOptions;
  readonly #handler: ConnectionHandler;
  readonly #dispatch: (event: ConnectionEvent) => void;
  readonly #transport: Transport;
  readonly #inbound: Uint8Array[] = [];
  #inboundBytes = 0;
  #working = false;
  #work: Promise<void>;
  #ended = false;
  #closedByPeer = false;
  #handshake: Handshake | undefined;
  #session = false;
  #heartbeatMs = HEARTBEAT_MS;
  #heard: number;
  #pings = 0;
  #deadline: Timer;
  #stability: Timer | undefined;

  /** `before` is the work of the attempt before, which may still be at its last frame. */
  constructor(options: DriverOptions, handler: ConnectionHandler, dispatch: (event: ConnectionEvent) => void, before: Promise<void>) {
    this.#options = options;
    this.#work = before;
    this.#handler = handler;
    this.#dispatch = (event) => {
      if (!this.#ended) dispatch(event);
    };
    this.#heard = options.environment.now();
    this.#deadline = options.environment.after(CONNECT_TIMEOUT_MS, () => this.#dispatch({ type: 'silent' }));
    this.#transport = options.openTransport(options.url, {
      opened: () => this.#dispatch({ type: 'transport-opened' }),
      message: (bytes) => this.#receive(bytes),
      closed: () => {
        this.#closedByPeer = true;
        if (!this.#working && this.#inbound.length === 0) this.#dispatch({ type: 'transport-closed' });
      },
    });
  }

  /** Resolves when the frame that is being handled is done with. */
  get idle(): Promise<void> {
    return this.#work;
  }

  startHandshake(): void {
    const { environment, ed25519 } = this.#options;
    this.#deadline.cancel();
    this.#deadline = environment.after(HANDSHAKE_TIMEOUT_MS, () => this.#dispatch({ type: 'silent' }));
    this.#handshake = new Handshake(this.#handler.offer(), ed25519, environment.randomBytes(32));
    this.#transmit(this.#handshake.hello);
  }

  startSession(): void {
    this.#session = true;
    this.#deadline.cancel();
    this.#scheduleHeartbeat();
    this.#stability = this.#options.environment.after(STABLE_AFTER_MS, () => this.#dispatch({ type: 'session-stable' }));
  }

  end(): void {
    this.#ended = true;
    this.#deadline.cancel();
    this.#stability?.cancel();
    this.#inbound.length = 0;
    this.#transport.close(1000, '');
  }

  send(frame: ClientFrame): void {
    this.#transmit(encodeClientFrame(frame));
  }

  async writable(): Promise<void> {
    while (!this.#ended && this.#transport.bufferedBytes > SEND_BUFFER_BYTES_HIGH) {
      await new Promise<void>((resolve) => {
        this.#options.environment.after(SEND_BUFFER_POLL_MS, resolve);
      });
    }
  }

  reconnect(): void {
    this.#dispatch({ type: 'silent' });
  }

  #transmit(message: Uint8Array<ArrayBuffer>): void {
    if (this.#ended || this.#closedByPeer) return;
    this.#transport.send(message);
  }

  #receive(message: Uint8Array): void {
    if (this.#ended) return;
    this.#heard = this.#options.environment.now();
    this.#inboundBytes += message.length;
    this.#inbound.push(message);
    if (this.#inboundBytes > INBOUND_BYTES_MAX) this.#dispatch({ type: 'silent' });
    else if (!this.#working) this.#work = this.#workOff(this.#work);
  }

  async #workOff(before: Promise<void>): Promise<void> {
    this.#working = true;
    await before;
    try {
      for (let message = this.#inbound.shift(); message !== undefined && !this.#ended; message = this.#inbound.shift()) {
        this.#inboundBytes -= message.length;
        await this.#take(message);
      }
    } catch (cause) {
      this.#dispatch({ type: 'fault', error: cause instanceof FrameError ? malformed(cause) : this.#handler.failure(cause) });
    }
    this.#working = false;
    if (this.#closedByPeer) this.#dispatch({ type: 'transport-closed' });
  }

  async #take(message: Uint8Array): Promise<void> {
    if (!this.#session) {
      await this.#shake(message);
      return;
    }
    const frame = decodeRelayFrame(message);
    if (frame.type === 'Goaway') this.#hint(frame.reconnectAfterMs, frame.reconnectSpreadMs);
    else if (frame.type === 'Error' && relayRefusal(frame).closes) this.#refuse(relayRefusal(frame));
    else await this.#handler.frame(frame, message);
  }

  async #shake(message: Uint8Array): Promise<void> {
    const step = await this.#handshake?.receive(message);
    if (step === undefined || this.#ended) return;
    if (step.kind === 'refused') {
      this.#refuse(relayRefusal(step.error));
    } else if (step.kind === 'reply') {
      this.#transmit(step.message);
    } else {
      this.#heartbeatMs = Math.max(1, step.welcome.limits.heartbeatMs);
      this.#dispatch({ type: 'session-opened' });
      await this.#handler.opened(this, step.welcome, step.raw);
    }
  }

  #refuse(refusal: RelayRefusal): void {
    if (refusal.error.temporary || this.#handler.refused(refusal)) this.#hint(refusal.retryAfterMs, 0);
    else this.#dispatch({ type: 'fault', error: refusal.error });
  }

  #hint(afterMs: number, spreadMs: number): void {
    this.#dispatch({ type: 'return-hint', hint: { afterMs, spreadMs } });
  }

  #scheduleHeartbeat(): void {
    const { environment } = this.#options;
    const silence = environment.now() - this.#heard;
    if (silence >= 2 * this.#heartbeatMs) {
      this.#dispatch({ type: 'silent' });
      return;
    }
    if (silence >= this.#heartbeatMs) {
      this.#pings += 1;
      this.send({ type: 'Ping', nonce: this.#pings });
    }
    const wait = silence >= this.#heartbeatMs ? 2 * this.#heartbeatMs - silence : this.#heartbeatMs - silence;
    this.#deadline = environment.after(Math.max(1, wait), () => this.#scheduleHeartbeat());
  }
}

function malformed(cause: FrameError): ClientError {
  return new ClientError('relay_refused', 'the relay sent a frame that does not follow the protocol', { cause, hint: 'Update the relay or the SDK.' });
}
