// Commands beside a service are run by root, and the data directory is the service's: what they write there has to be readable for it.
import { statSync } from 'node:fs';

/**
 * From here on this process is the user that the directory belongs to, where root called it. Returns what names the directory from now on:
 * the way to it may be closed to that user, so it is entered first.
 */
export function actAsOwner(dataDir: string): string {
  const { getuid, setgroups, setgid, setuid } = process;
  if (getuid?.() !== 0) return dataDir;
  const { uid, gid } = statSync(dataDir);
  if (uid === 0) return dataDir;
  process.chdir(dataDir);
  setgroups?.([]);
  setgid?.(gid);
  setuid?.(uid);
  return '.';
}
