// One temporary directory for a whole run, gone with it: what tests, relays that were killed and browsers leave behind does not pile up.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** As short as it can be: sockets lie below it, and their paths have a limit of about 100 bytes. */
const PREFIX = 'sr-';

export default function ownTempDir(): () => void {
  if (process.platform === 'win32') return () => undefined;
  const before = process.env['TMPDIR'];
  const dir = mkdtempSync(join(tmpdir(), PREFIX));
  process.env['TMPDIR'] = dir;
  return () => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    // A process that is still ending may write once more.
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
}
