// Lines to a descriptor or a file. A place that takes none for a while (a full disk, a pipe that nobody empties) costs lines, and never
// memory or the relay: no write throws. What is lost is counted, and told by a line of its own once the place takes lines again.
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Bytes of lines that wait for a place that takes none; beyond it the newest are lost, so that the log says how the trouble began. */
export const WAITING_BYTES_MAX = 1024 * 1024;
/** Pause before what waits is tried again. */
const RETRY_MS = 100;
/** Times that what waits is tried at the end, where the place is only busy. */
const LAST_TRIES = 10;
/** The place is there, and takes more in a moment. */
const BUSY: readonly string[] = ['EAGAIN', 'EBUSY'];
/** Nobody will ever read what is written there. */
const GONE = 'EPIPE';

export interface LineWriterDeps {
  /** A descriptor of the process, or a file that is made with its directory. */
  readonly place: number | string;
  /** The line that says how many are missing before it. */
  readonly missing: (lines: number) => string;
}

export class LineWriter {
  readonly #path: string | null;
  readonly #missing: LineWriterDeps['missing'];
  #fd: number;
  /** Whole lines, but for the first, of which a part may be written. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #untold = 0;
  /** Why the last write failed; empty where it did not. */
  #refusal = '';
  #isGone = false;
  #retry: NodeJS.Timeout | null = null;

  /** Throws when a file cannot be opened. */
  constructor({ place, missing }: LineWriterDeps) {
    this.#missing = missing;
    this.#path = typeof place === 'string' ? place : null;
    this.#fd = typeof place === 'string' ? openFile(place) : place;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#isGone || this.#waitingBytes + bytes.length > WAITING_BYTES_MAX) {
      this.#lose(1);
    } else {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
    if (this.#retry === null) this.#flush();
  }

  /** Lines that were not written and never will be. */
  lost(): number {
    return this.#lost;
  }

  /** Opens the file anew under its name; where that fails the old one is written on. Throws then. */
  reopen(): void {
    if (this.#path === null) return;
    const fd = openFile(this.#path);
    closeSync(this.#fd);
    this.#fd = fd;
    this.#isGone = false;
    this.#flush();
  }

  /** Resolves once what waits is written or given up. */
  async close(): Promise<void> {
    this.#flush();
    for (let tries = 0; tries < LAST_TRIES && BUSY.includes(this.#refusal); tries += 1) {
      await pause(RETRY_MS);
      this.#flush();
    }
    this.#pauseEnds();
    this.#lose(this.#waiting.length);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isGone = true;
    if (this.#path !== null) closeSync(this.#fd);
  }

  #flush(): void {
    this.#pauseEnds();
    this.#refusal = '';
    try {
      this.#writeWaiting();
      if (this.#untold === 0 || this.#isGone) return;
      const told = this.#untold;
      this.#untold = 0;
      this.#waiting.push(Buffer.from(this.#missing(told)));
      this.#waitingBytes += this.#waiting[0]?.length ?? 0;
      this.#writeWaiting();
    } catch (error) {
      this.#refused(error instanceof Error && 'code' in error ? String(error.code) : '');
    }
  }

  #writeWaiting(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const written = writeSync(this.#fd, first);
      this.#waitingBytes -= written;
      if (written === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(written);
    }
  }

  #refused(code: string): void {
    if (code === GONE) {
      this.#isGone = true;
      this.#lose(this.#waiting.length);
      this.#waiting = [];
      this.#waitingBytes = 0;
      return;
    }
    this.#refusal = code;
    this.#retry = setTimeout(() => this.#flush(), RETRY_MS).unref();
  }

  #lose(lines: number): void {
    this.#lost += lines;
    this.#untold += lines;
  }

  #pauseEnds(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
  }
}

function openFile(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, 'a');
}
