// Waits until several devices of a space have all that was pushed.
import type { Space } from '../client/index.js';
import { CONVERGE_MS_MAX, CONVERGE_POLL_MS } from './limits.js';

/** Resolves when everything pushed is stored and every space has read the whole log; rejects with where each of them stands. */
export async function converged(spaces: readonly Space[], { timeoutMs = CONVERGE_MS_MAX }: { readonly timeoutMs?: number } = {}): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (const space of spaces) space.flush();
  while (!areEqual(spaces)) {
    if (performance.now() > end) throw new Error(`the spaces did not converge within ${timeoutMs} ms: ${spaces.map(described).join('; ')}`);
    await new Promise((resolve) => setTimeout(resolve, CONVERGE_POLL_MS));
  }
  await Promise.all(spaces.map((space) => space.whenSynced({ signal: AbortSignal.timeout(leftMs(end)) })));
  if (!areEqual(spaces)) await converged(spaces, { timeoutMs: leftMs(end) });
}

function leftMs(end: number): number {
  return Math.max(1, Math.ceil(end - performance.now()));
}

function areEqual(spaces: readonly Space[]): boolean {
  return spaces.every((space) => !space.hasUnsyncedChanges && space.size === spaces[0]?.size);
}

function described(space: Space): string {
  const { status, error } = space.status;
  return `${space.device.slice(0, 8)} ${status}${error === null ? '' : ` (${error.code})`}, read ${space.size}${space.hasUnsyncedChanges ? ', with unsynced changes' : ''}`;
}
