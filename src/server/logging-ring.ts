// The last lines of the process log, for the admin page. They are the lines that were written, cut out secrets included.
import type { DestinationStream } from 'pino';

const LINES_MAX = 500;
/** Longer lines are cut. */
const LINE_CHARS_MAX = 4096;

export interface LogLine {
  /** Counts the lines of this process, from 1. */
  readonly number: number;
  readonly text: string;
}

/** Keeps what passes by on its way to the real log. */
export class LogRing implements DestinationStream {
  readonly #next: DestinationStream & { lost?(): number };
  readonly #lines: LogLine[] = [];
  #count = 0;

  constructor(next: DestinationStream & { lost?(): number }) {
    this.#next = next;
  }

  write(text: string): void {
    this.#count += 1;
    this.#lines.push({ number: this.#count, text: text.slice(0, LINE_CHARS_MAX).trimEnd() });
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
    this.#next.write(text);
  }

  /** Lines that passed by and did not reach their place. */
  lost(): number {
    return this.#next.lost?.() ?? 0;
  }

  /** Lines with higher numbers, oldest first. */
  after(number: number): readonly LogLine[] {
    return this.#lines.filter((line) => line.number > number);
  }
}
