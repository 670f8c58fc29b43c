// One writer at a time: a relay that ends and the one that follows it, or `relay log-reset`, may meet for a moment.
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, isMissing } from '../file-errors.js';

/** How long a writer that lives is waited for. The store has a lock of its own, so it is at its last line. */
const WAIT_MS_MAX = 5000;
const LOOK_MS = 20;

/** Takes the lock; what a dead writer left is taken over. */
export async function lockAudit(dir: string): Promise<() => Promise<void>> {
  const path = join(dir, 'writer');
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    try {
      const file = await open(path, 'wx', 0o600);
      await file.writeFile(String(process.pid)).finally(() => file.close());
      return () => rm(path, { force: true });
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    if (waitedMs >= WAIT_MS_MAX || !(await isHeld(path))) await rm(path, { force: true });
    else await sleep(LOOK_MS);
  }
}

/** A process with our own id is one from before a restart, as in a container. */
async function isHeld(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return '';
    throw error;
  });
  // Made, and not written yet.
  if (text === '') return true;
  const pid = Number(text);
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}
