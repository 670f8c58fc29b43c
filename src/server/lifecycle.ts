// Signals, from before anything is opened: the first SIGTERM or SIGINT drains and ends with 0, also while the relay starts; a
// second one ends at once. SIGHUP reloads, except on a terminal, where it says that the terminal is gone and drains as well.
import type { EventEmitter } from 'node:events';

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof SIGNALS;

/** What runs once it was started. */
export interface Run {
  readonly stop: () => Promise<void>;
  /** What SIGHUP does; null: it stops the relay. */
  readonly reload: (() => void) | null;
  /** Called once it was started and nobody asked it to stop meanwhile. */
  readonly ready: () => void;
}

export interface LifecycleDeps {
  /** The process, or a double of it. */
  readonly signals: EventEmitter;
  /** Ends the process at once. */
  readonly exitNow: (code: number) => void;
  readonly log: (message: string) => void;
  /** Whether SIGHUP stops what is still starting; otherwise it means nothing yet. */
  readonly hangsUp: boolean;
}

/**
 * Starts, and resolves once a signal came and everything is stopped. `start` is told by the signal's abort that it need not go on: it
 * closes what it opened and rejects, or it resolves and is stopped.
 */
export async function runUntilSignal(start: (stopping: AbortSignal) => Promise<Run>, deps: LifecycleDeps): Promise<void> {
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve(), { once: true }));
  let run: Run | null = null;
  const onSignal = (signal: Signal): void => {
    const reload = run === null ? null : run.reload;
    if (signal === 'SIGHUP' && (reload !== null || (run === null && !deps.hangsUp))) {
      reload?.();
    } else if (stopping.signal.aborted) {
      deps.exitNow(SIGNALS[signal]);
    } else {
      deps.log(`${signal}: ${run === null ? 'stopping before the start is done' : 'draining'}; once more to end at once`);
      stopping.abort();
    }
  };
  const handlers = (Object.keys(SIGNALS) as Signal[]).map((signal) => [signal, () => onSignal(signal)] as const);
  for (const [signal, handler] of handlers) deps.signals.on(signal, handler);
  try {
    try {
      run = await start(stopping.signal);
    } catch (error) {
      if (stopping.signal.aborted) return;
      throw error;
    }
    // Whatever goes wrong from here on, what was started is stopped in order.
    try {
      if (!stopping.signal.aborted) run.ready();
      await stopped;
    } finally {
      await run.stop();
    }
  } finally {
    for (const [signal, handler] of handlers) deps.signals.off(signal, handler);
  }
}
