// Lets a manual clock go on until some work is done.
import type { ManualClock } from './manual-clock.js';

const STEPS_MAX = 200_000;

/** Advances millisecond by millisecond, and lets everything that is due run in between. */
export async function runClock<T>(clock: ManualClock, work: Promise<T>, stepMs = 1): Promise<T> {
  const end = { isDone: false };
  const settled = work.finally(() => (end.isDone = true));
  settled.catch(() => undefined);
  for (let step = 0; step < STEPS_MAX && !end.isDone; step += 1) {
    clock.advance(stepMs);
    await new Promise(setImmediate);
  }
  if (!end.isDone) throw new Error(`not done after ${STEPS_MAX * stepMs} ms`);
  return settled;
}
