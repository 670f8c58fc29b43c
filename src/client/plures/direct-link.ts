/*
 * A direct way to one peer: both sides show first that they know the topic, then messages go in order, each confirmed. What was not confirmed
 * when the way dies is handed back, so that it can go by the relay.
 */
import type { Environment, Timer } from '../environment.js';
import { encodeFrame, FRAME_BYTES_MAX, FrameReader } from './direct-frame.js';
import type { DirectFrame, StreamMark } from './direct-frame.js';
import type { DirectStream } from './direct-network.js';
import { DIRECT_HELLO_MS, DIRECT_PING_MS, DIRECT_SILENCE_MS, DIRECT_WINDOW_BYTES, MESSAGE_OVERHEAD_BYTES, PEER_ID_CHARS_MAX } from './limits.js';
import type { MessageSeal } from './message-seal.js';
import { closed } from './transport-errors.js';

export interface LinkEvents {
  /** The other side proved itself; messages may go. */
  ready(peerId: string): void;
  /** Where the other side's messages by the relay end; comes before its first message here. */
  mark(mark: StreamMark | null): void;
  message(bytes: Uint8Array): void;
  /** Comes once after ready(): what may not have arrived, in order; `said`: the other side's app closed the connection. */
  ended(unconfirmed: readonly Uint8Array[], said: boolean): void;
}

interface Sent {
  readonly number: number;
  readonly bytes: Uint8Array;
}

export class DirectLink {
  readonly #stream: DirectStream;
  readonly #environment: Environment;
  readonly #seal: MessageSeal;
  readonly #events: LinkEvents;
  readonly #reader = new FrameReader();
  readonly #roomWaiters: (() => void)[] = [];
  readonly #pausing = new Set<object>();
  #unconfirmed: Sent[] = [];
  #unconfirmedBytes = 0;
  #numberOut = 0;
  #numberIn = 0;
  #isMarked = false;
  #isReady = false;
  #isEnded = false;
  #saidBye = false;
  #silence: Timer;
  #ping: Timer | undefined;

  constructor(stream: DirectStream, peerId: string, seal: MessageSeal, environment: Environment, events: LinkEvents) {
    this.#stream = stream;
    this.#environment = environment;
    this.#seal = seal;
    this.#events = events;
    this.#silence = environment.after(DIRECT_HELLO_MS, () => this.#end());
    stream.listen({ data: (bytes) => this.#take(bytes), closed: () => this.#end() });
    this.#say({ kind: 'hello', peerId, proof: seal.proof(stream.binding, stream.isInitiator) });
  }

  get isReady(): boolean {
    return this.#isReady && !this.#isEnded;
  }

  /** Sends a message, the first one behind the mark. Rejects when the way is dead; a message it took comes back with ended(). */
  async send(bytes: Uint8Array, mark: () => StreamMark | null): Promise<void> {
    while (this.#unconfirmedBytes > 0 && this.#unconfirmedBytes + bytes.length > DIRECT_WINDOW_BYTES && this.isReady) await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    if (!this.isReady) throw closed();
    if (!this.#isMarked) this.#say({ kind: 'mark', mark: mark() });
    this.#isMarked = true;
    this.#numberOut += 1;
    this.#unconfirmed.push({ number: this.#numberOut, bytes });
    this.#unconfirmedBytes += bytes.length + MESSAGE_OVERHEAD_BYTES;
    await Promise.race([this.#say({ kind: 'data', number: this.#numberOut, bytes }), new Promise<void>((resolve) => this.#roomWaiters.push(resolve))]);
  }

  /** What was relayed between two stretches of messages here has to be marked again. */
  unmark(): void {
    this.#isMarked = false;
  }

  /** Reads nothing more; so nothing is heard, and that is not the other side's fault. */
  pause(by: object): void {
    this.#pausing.add(by);
    this.#silence.cancel();
    this.#stream.pause();
  }

  resume(by: object): void {
    if (!this.#pausing.delete(by) || this.#pausing.size > 0 || this.#isEnded) return;
    this.#stream.resume();
    this.#heard();
  }

  /** Waits a while for what was sent to arrive, says that the app closed the connection, and closes. */
  async bye(): Promise<void> {
    const end = this.#environment.now() + DIRECT_HELLO_MS;
    const timer = this.#environment.after(DIRECT_HELLO_MS, () => this.#wake());
    while (this.isReady && this.#unconfirmed.length > 0 && this.#environment.now() < end) await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    timer.cancel();
    if (this.isReady) void this.#say({ kind: 'bye' });
    this.close();
  }

  close(): void {
    this.#stream.close();
    this.#end();
  }

  #say(frame: DirectFrame): Promise<void> {
    return this.#stream.write(encodeFrame(frame));
  }

  #take(piece: Uint8Array): void {
    try {
      for (const frame of this.#reader.push(piece)) if (!this.#isEnded) this.#handle(frame);
    } catch {
      this.close();
    }
  }

  #handle(frame: DirectFrame): void {
    if (!this.#isReady && frame.kind !== 'hello') return this.close();
    this.#heard();
    switch (frame.kind) {
      case 'hello':
        return this.#greet(frame.peerId, frame.proof);
      case 'data':
        if (frame.number !== this.#numberIn + 1) return this.close();
        this.#numberIn = frame.number;
        this.#events.message(frame.bytes);
        void this.#say({ kind: 'ack', number: frame.number });
        return;
      case 'ack':
        return this.#confirm(frame.number);
      case 'mark':
        return this.#events.mark(frame.mark);
      case 'bye':
        this.#saidBye = true;
        return this.close();
      case 'ping':
    }
  }

  #greet(peerId: string, proof: Uint8Array): void {
    const holds = this.#seal.holds(proof, this.#stream.binding, !this.#stream.isInitiator);
    if (this.#isReady || !holds || peerId.length > PEER_ID_CHARS_MAX) return this.close();
    this.#isReady = true;
    this.#reader.bytesMax = FRAME_BYTES_MAX;
    this.#heard();
    this.#pingLater();
    this.#events.ready(peerId);
  }

  #confirm(number: number): void {
    this.#unconfirmed = this.#unconfirmed.filter((sent) => {
      if (sent.number > number) return true;
      this.#unconfirmedBytes -= sent.bytes.length + MESSAGE_OVERHEAD_BYTES;
      return false;
    });
    this.#wake();
  }

  #heard(): void {
    this.#silence.cancel();
    if (this.#pausing.size > 0) return;
    this.#silence = this.#environment.after(DIRECT_SILENCE_MS, () => this.close());
  }

  #pingLater(): void {
    this.#ping = this.#environment.after(DIRECT_PING_MS, () => {
      void this.#say({ kind: 'ping' });
      this.#pingLater();
    });
  }

  #wake(): void {
    for (const wake of this.#roomWaiters.splice(0)) wake();
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#silence.cancel();
    this.#ping?.cancel();
    this.#stream.close();
    this.#wake();
    if (this.#isReady) this.#events.ended(this.#unconfirmed.map(({ bytes }) => bytes), this.#saidBye);
  }
}
