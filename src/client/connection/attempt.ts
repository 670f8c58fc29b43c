/*
 * One attempt at a connection: its transport, handshake, timers and inbound queue.
 *
 * Invariants: A1 messages are handled one after the other, after those of the attempt before; A2 after `end` nothing is dispatched or
 * sent; A3 what the peer said before it closed is handled before the close is told.
 */
import { writeClientFrame } from '../../protocol/client-frame-writer.js';
import type { ClientFrame } from '../../protocol/client-frame.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { FrameError } from '../../protocol/frame-error.js';
import type { FrameSet } from '../../protocol/frame-set.js';
import { FRAME_TYPE } from '../../protocol/frame-type.js';
import { HANDSHAKE_TIMEOUT_MS, HEARTBEAT_MS } from '../../protocol/limits.js';
import { readRelayFrame } from '../../protocol/relay-frame-reader.js';
import { ClientError } from '../client-error.js';
import type { Environment, Timer } from '../environment.js';
import { CONNECT_TIMEOUT_MS, PROBE_MS, SEND_BUFFER_BYTES_HIGH, SEND_BUFFER_POLL_MS, STABLE_AFTER_MS } from '../limits.js';
import type { Closure, OpenTransport, Transport } from '../transport/transport.js';
import type { ConnectionHandler, SessionLink } from './connection-handler.js';
import { Handshake } from './handshake.js';
import { InboundQueue } from './inbound-queue.js';
import type { ConnectionEvent } from './machine.js';
import { relayRefusal } from './relay-refusal.js';
import type { RelayRefusal } from './relay-refusal.js';

/** Close codes that say: do not reconnect unchanged (docs/protocol.md section 7). */
const CLOSE_FINAL_MIN = 4400;
const CLOSE_FINAL_MAX = 4499;
/** Frames that carry an attestation. What else comes may keep a connection alive and says nothing of the log's time. */
const ATTESTING: ReadonlySet<number | undefined> = new Set([FRAME_TYPE.Welcome, FRAME_TYPE.Pong, FRAME_TYPE.Receipt, FRAME_TYPE.Entries, FRAME_TYPE.CursorExpired]);

export interface AttemptOptions {
  readonly environment: Environment;
  readonly openTransport: OpenTransport;
  readonly ed25519: Ed25519;
  readonly url: string;
  /** Frames beside those that every client knows. */
  readonly frames: readonly FrameSet[];
}

export class Attempt implements SessionLink {
  readonly #options: AttemptOptions;
  readonly #handler: ConnectionHandler;
  readonly #dispatch: (event: ConnectionEvent) => void;
  readonly #transport: Transport;
  readonly #inbound = new InboundQueue();
  #working = false;
  #work: Promise<void>;
  #ended = false;
  #closedByPeer: Closure | undefined;
  /** Whether an Error frame said why the connection ends. */
  #refused = false;
  #handshake: Handshake | undefined;
  #session = false;
  #features = 0n;
  #heartbeatMs = HEARTBEAT_MS;
  #heard: number;
  /** When a frame with an attestation came last. */
  #attested: number;
  #pings = 0;
  /** Messages that came. */
  #received = 0;
  #deadline: Timer;
  #stability: Timer | undefined;
  #probe: Timer | undefined;

  /** `before` is the work of the attempt before, which may still be at its last frame. */
  constructor(options: AttemptOptions, handler: ConnectionHandler, dispatch: (event: ConnectionEvent) => void, before: Promise<void>) {
    this.#options = options;
    this.#work = before;
    this.#handler = handler;
    this.#dispatch = (event) => {
      if (!this.#ended) dispatch(event);
    };
    this.#heard = options.environment.now();
    this.#attested = this.#heard;
    this.#deadline = options.environment.after(CONNECT_TIMEOUT_MS, () => this.#dispatch({ type: 'silent' }));
    this.#transport = options.openTransport(options.url, {
      opened: () => this.#dispatch({ type: 'transport-opened' }),
      message: (bytes) => this.#receive(bytes),
      closed: (closure) => {
        this.#closedByPeer = closure;
        if (!this.#working && this.#inbound.empty) this.#closed(closure);
      },
    });
  }

  /** Resolves when the frame that is being handled is done with. */
  get idle(): Promise<void> {
    return this.#work;
  }

  get features(): bigint {
    return this.#features;
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

  /** Asks for a sign of life; without one the open session is over. */
  probe(): void {
    const { environment } = this.#options;
    const before = this.#received;
    this.#probe?.cancel();
    this.#ping();
    this.#probe = environment.after(PROBE_MS, () => {
      if (this.#received === before) this.#dispatch({ type: 'silent' });
    });
  }

  end(): void {
    this.#ended = true;
    this.#deadline.cancel();
    this.#stability?.cancel();
    this.#probe?.cancel();
    this.#inbound.clear();
    this.#transport.close(1000, '');
  }

  send(frame: ClientFrame): void {
    this.#transmit(writeClientFrame(frame, this.#options.frames));
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
    if (this.#ended || this.#closedByPeer !== undefined) return;
    try {
      this.#transport.send(message);
    } catch (cause) {
      if (!(cause instanceof ClientError && cause.temporary)) throw cause;
      this.#dispatch({ type: 'silent' });
    }
  }

  #receive(message: Uint8Array): void {
    if (this.#ended) return;
    this.#heard = this.#options.environment.now();
    this.#received += 1;
    if (ATTESTING.has(message[0])) this.#attested = this.#heard;
    this.#inbound.add(message);
    if (this.#inbound.full) this.#dispatch({ type: 'silent' });
    else if (!this.#working) this.#work = this.#workOff(this.#work);
  }

  async #workOff(before: Promise<void>): Promise<void> {
    this.#working = true;
    await before;
    try {
      for (let message = this.#inbound.take(); message !== undefined && !this.#ended; message = this.#inbound.take()) {
        await this.#take(message);
      }
    } catch (cause) {
      this.#dispatch({ type: 'fault', error: cause instanceof FrameError ? malformed(cause) : this.#handler.failure(cause) });
    }
    this.#working = false;
    if (this.#closedByPeer !== undefined) this.#closed(this.#closedByPeer);
  }

  // Without an Error frame the close code alone says whether coming back unchanged can help.
  #closed({ code }: Closure): void {
    if (!this.#refused && code >= CLOSE_FINAL_MIN && code <= CLOSE_FINAL_MAX) this.#dispatch({ type: 'fault', error: closedFor(code) });
    else this.#dispatch({ type: 'transport-closed' });
  }

  async #take(message: Uint8Array): Promise<void> {
    if (!this.#session) {
      await this.#shake(message);
      return;
    }
    const frame = readRelayFrame(message, this.#options.frames);
    if (frame.type === 'Goaway') this.#hint(frame.reconnectAfterMs, frame.reconnectSpreadMs);
    else if (frame.type === 'Error' && relayRefusal(frame).closes) this.#refuse(relayRefusal(frame));
    else await this.#handler.frame(frame, message);
  }

  async #shake(message: Uint8Array): Promise<void> {
    // A relay that stops says so at any moment. It is not signed, and only says when to come back.
    if (message[0] === FRAME_TYPE.Goaway) {
      const goaway = readRelayFrame(message, this.#options.frames);
      if (goaway.type === 'Goaway') this.#hint(goaway.reconnectAfterMs, goaway.reconnectSpreadMs);
      return;
    }
    const step = await this.#handshake?.receive(message);
    if (step === undefined || this.#ended) return;
    if (step.kind === 'refused') {
      this.#refuse(relayRefusal(step.error));
    } else if (step.kind === 'reply') {
      this.#transmit(step.message);
    } else {
      this.#features = step.features;
      this.#heartbeatMs = Math.max(1, step.welcome.limits.heartbeatMs);
      this.#dispatch({ type: 'session-opened' });
      await this.#handler.opened(this, step.welcome, step.raw);
    }
  }

  #refuse(refusal: RelayRefusal): void {
    this.#refused = true;
    // A handshake that a quota refuses is refused again until somebody makes room or raises it: the app is to know.
    if (refusal.name === 'quota_exceeded') this.#dispatch({ type: 'fault', error: refusal.error });
    else if (refusal.error.temporary || this.#handler.refused(refusal)) this.#hint(refusal.retryAfterMs, 0);
    else this.#dispatch({ type: 'fault', error: refusal.error });
  }

  #hint(afterMs: number, spreadMs: number): void {
    this.#dispatch({ type: 'return-hint', hint: { afterMs, spreadMs } });
  }

  #ping(): void {
    this.#pings += 1;
    this.send({ type: 'Ping', nonce: this.#pings });
  }

  #scheduleHeartbeat(): void {
    const { environment } = this.#options;
    const silence = environment.now() - this.#heard;
    if (silence >= 2 * this.#heartbeatMs) {
      this.#dispatch({ type: 'silent' });
      return;
    }
    const unattested = environment.now() - this.#attested;
    if (unattested >= this.#heartbeatMs) this.#ping();
    const nextPing = unattested >= this.#heartbeatMs ? this.#heartbeatMs : this.#heartbeatMs - unattested;
    const wait = Math.min(nextPing, 2 * this.#heartbeatMs - silence);
    this.#deadline = environment.after(Math.max(1, wait), () => this.#scheduleHeartbeat());
  }
}

function malformed(cause: FrameError): ClientError {
  return new ClientError('relay_refused', 'the relay sent a frame that does not follow the protocol', { cause, hint: 'Update the relay or the SDK.' });
}

function closedFor(code: number): ClientError {
  return new ClientError('relay_refused', `the relay closed the connection for good, with code ${code} and without an Error frame`, {
    hint: 'Look the code up in the list of errors; goOnline() tries again.',
  });
}
