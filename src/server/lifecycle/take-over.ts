// Opening what another relay still holds, for as long as that one may take to stop.
import { RelayError } from '../../errors.js';

const RETRY_MS = 20;

/** Calls `open` until the port is free, at most `waitMs`; other failures, and the last one, are the caller's. */
export async function whenPortIsFree<T>(open: () => Promise<T>, waitMs: number, nowMs: () => number = () => performance.now()): Promise<T> {
  const until = nowMs() + waitMs;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== 'port_in_use' || nowMs() >= until) throw error;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, RETRY_MS);
    });
  }
}
