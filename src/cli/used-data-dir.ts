// Commands that act on files act on the directory of a relay: in any other one they would leave what a relay then refuses to start on.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RelayError } from '../errors.js';

/** Every directory that a relay has opened holds it. */
const FORMAT_FILE = 'FORMAT';

/** The absolute path, where a relay has been. */
export function usedDataDir(path: string): string {
  const dataDir = resolve(path);
  if (existsSync(join(dataDir, FORMAT_FILE))) return dataDir;
  const what = existsSync(dataDir) ? `${dataDir} is not the directory of a relay` : `there is no directory ${dataDir}`;
  throw new RelayError('data_dir_unusable', what, { hint: 'Start the relay once, or name its directory with --data-dir.' });
}
