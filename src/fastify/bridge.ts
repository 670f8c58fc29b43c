// The border to the core: what all sockets received within one turn of the event loop crosses it in one call, and so does
// what all of them are to send.
import type { EmbeddedPort } from '../native/relay-port.js';
import { countRecord, Input, Output, outputRecords, recordHeader, RECORD_HEADER_BYTES, type OutputRecord } from './wire.js';

/** Input that is handed over at once instead of at the end of the turn, so that a batch stays small. */
export const BATCH_BYTES_MAX = 1024 * 1024;
/** Input of one socket that the core has not used; beyond it the socket is not read. */
export const INPUT_WINDOW_BYTES = 1024 * 1024;

const STREAM_NUMBER_MAX = 0xffff_ffff;
const NOTHING = Buffer.alloc(0);

/** One socket, as the bridge knows it. */
export interface StreamSide {
  /** The core says something; the payload is only valid until this returns or, in part, is sent. */
  output(record: OutputRecord): void;
  /** True: enough is under way, read no more from the socket; false: read on. */
  pause(paused: boolean): void;
  /** Everything of this turn was said. */
  flushed(): void;
}

interface OpenStream {
  readonly side: StreamSide;
  /** Cost of the input that the core has not used. */
  inputBytes: number;
  paused: boolean;
  /** Cost of the output that the socket took since the core was told. */
  takenBytes: number;
}

/** Carries the bytes of many sockets; each has a number. */
export class SocketBridge {
  readonly #port: Pick<EmbeddedPort, 'receive' | 'takeOutput'>;
  readonly #streams = new Map<number, OpenStream>();
  readonly #taken = new Set<number>();
  #parts: Buffer[] = [];
  #bytes = 0;
  #scheduled = false;
  #last = 0;

  constructor(port: Pick<EmbeddedPort, 'receive' | 'takeOutput'>) {
    this.#port = port;
  }

  /** Sockets that are open now. */
  get open(): number {
    return this.#streams.size;
  }

  openSession(side: StreamSide): number {
    return this.#open(Input.openSession, side, NOTHING);
  }

  openRequest(side: StreamSide, head: Buffer): number {
    return this.#open(Input.openRequest, side, head);
  }

  /** A message, or a piece of a body. */
  data(id: number, payload: Buffer): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.inputBytes += RECORD_HEADER_BYTES + payload.length;
    this.#say(Input.data, id, payload);
    if (!stream.paused && stream.inputBytes > INPUT_WINDOW_BYTES) this.#pause(stream, true);
  }

  end(id: number): void {
    if (this.#streams.has(id)) this.#say(Input.end, id, NOTHING);
  }

  alive(id: number): void {
    if (this.#streams.has(id)) this.#say(Input.alive, id, NOTHING);
  }

  /** The socket took this much of what the core said. */
  taken(id: number, costBytes: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || costBytes === 0) return;
    stream.takenBytes += costBytes;
    this.#taken.add(id);
    this.#schedule();
  }

  /** The socket is gone; nothing more is said of it. */
  gone(id: number): void {
    if (!this.#streams.delete(id)) return;
    this.#taken.delete(id);
    this.#say(Input.gone, id, NOTHING);
  }

  /** Takes what the core has to say, until there is nothing more. */
  pump(): void {
    const touched = new Set<OpenStream>();
    for (let piece = this.#port.takeOutput(); piece !== null; piece = this.#port.takeOutput()) {
      for (const record of outputRecords(piece)) {
        const stream = this.#streams.get(record.stream);
        if (stream === undefined) continue;
        touched.add(stream);
        if (record.kind === Output.taken) this.#used(stream, record.payload.readUInt32BE(0));
        else stream.side.output(record);
      }
    }
    for (const { side } of touched) side.flushed();
  }

  #open(kind: Input, side: StreamSide, payload: Buffer): number {
    do this.#last = this.#last === STREAM_NUMBER_MAX ? 1 : this.#last + 1;
    while (this.#streams.has(this.#last));
    this.#streams.set(this.#last, { side, inputBytes: 0, paused: false, takenBytes: 0 });
    this.#say(kind, this.#last, payload);
    return this.#last;
  }

  #used(stream: OpenStream, bytes: number): void {
    stream.inputBytes -= bytes;
    if (stream.paused && stream.inputBytes <= INPUT_WINDOW_BYTES / 2) this.#pause(stream, false);
  }

  #pause(stream: OpenStream, paused: boolean): void {
    stream.paused = paused;
    stream.side.pause(paused);
  }

  #say(kind: Input, id: number, payload: Buffer): void {
    this.#parts.push(recordHeader(kind, id, payload.length), payload);
    this.#bytes += RECORD_HEADER_BYTES + payload.length;
    if (this.#bytes >= BATCH_BYTES_MAX) this.#flush();
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    for (const id of this.#taken) {
      const stream = this.#streams.get(id);
      if (stream === undefined) continue;
      this.#parts.push(countRecord(Input.taken, id, stream.takenBytes));
      stream.takenBytes = 0;
    }
    this.#taken.clear();
    if (this.#parts.length === 0) return;
    const batch = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    this.#port.receive(batch);
  }
}
