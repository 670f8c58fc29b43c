// Signals: the first SIGTERM or SIGINT drains and ends with 0, a second one ends at once. SIGHUP reloads, except on a
// terminal, where it says that the terminal is gone and drains as well.
import type { EventEmitter } from 'node:events';

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof SIGNALS;

export interface LifecycleDeps {
  /** The process, or a double of it. */
  readonly signals: EventEmitter;
  /** Ends the process at once. */
  readonly exitNow: (code: number) => void;
  readonly log: (message: string) => void;
  /** What SIGHUP does; null: it stops the relay. */
  readonly reload: (() => void) | null;
  /** Called once signals are handled: from here on it may be said that the relay runs, because it can be told to stop. */
  readonly armed: () => void;
}

/** Resolves once a signal came and `stop` is done. */
export async function runUntilSignal(stop: () => Promise<void>, deps: LifecycleDeps): Promise<void> {
  const handlers = new Map<Signal, () => void>();
  let count = 0;
  try {
    await new Promise<void>((resolve) => {
      for (const [signal, code] of Object.entries(SIGNALS) as [Signal, number][]) {
        const handler = (): void => {
          if (signal === 'SIGHUP' && deps.reload !== null) {
            deps.reload();
            return;
          }
          count += 1;
          if (count === 1) {
            deps.log(`${signal}: draining; once more to end at once`);
            resolve();
          } else {
            deps.exitNow(code);
          }
        };
        handlers.set(signal, handler);
        deps.signals.on(signal, handler);
      }
      deps.armed();
    });
    await stop();
  } finally {
    for (const [signal, handler] of handlers) deps.signals.off(signal, handler);
  }
}
