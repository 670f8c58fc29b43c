// What a page is given and what it is: a function that fills its place and ends with its signal.
import type { Live } from './live.js';
import type { SessionState } from './model.js';

export interface PageContext {
  /** Where the page is. */
  readonly place: HTMLElement;
  /** Ends when another page opens. */
  readonly signal: AbortSignal;
  readonly live: Live;
  readonly session: SessionState;
  /** What stands behind the page's name in the address: a pseudonym. */
  readonly argument: string | null;
}

export interface PageEntry {
  /** In the address. */
  readonly name: string;
  readonly title: string;
  readonly show: (context: PageContext) => void | Promise<void>;
}

/** Runs `step` now and then every `periodMs`, one at a time, until the page closes. */
export async function repeat(periodMs: number, signal: AbortSignal, step: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    if (document.visibilityState === 'visible') await step();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, periodMs);
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
}
