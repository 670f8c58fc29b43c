// Lets a manual clock go on until some work is done.
import type { ManualClock } from './manual-clock.js';

/** Real time, for work that also seals. */
const PATIENCE_MS = 30_000;

/** Advances step by step, and lets everything that is due run in between. */
export async function runClock<T>(clock: ManualClock, work: Promise<T>, stepMs = 1): Promise<T> {
  const end = { isDone: false };
  const settled = work.finally(() => (end.isDone = true));
  settled.catch(() => undefined);
  for (const start = performance.now(); !end.isDone; await new Promise(setImmediate)) {
    if (performance.now() - start > PATIENCE_MS) throw new Error(`not done after ${PATIENCE_MS} ms`);
    clock.advance(stepMs);
  }
  return settled;
}
