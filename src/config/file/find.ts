// Which configuration file is read: the one named, else the one that lies where it is looked for, else none.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { configError, type Finding } from '../finding.js';

/** Looked through in this order when no file is named. */
export const CONFIG_FOLDERS: readonly string[] = ['.', '/etc/sealrelay'];
export const CONFIG_NAMES: readonly string[] = ['yaml', 'yml', 'toml', 'json'].map((ending) => `sealrelay.${ending}`);
/** `--config off` reads no file, wherever one lies. */
const NO_FILE = 'off';

export interface FoundFile {
  readonly path: string | null;
  readonly findings: readonly Finding[];
}

export function findConfigFile(flag: string | null, variable: string, folders: readonly string[]): FoundFile {
  const named = flag ?? (variable === '' ? null : variable);
  if (named !== null) return { path: named === NO_FILE ? null : named, findings: [] };
  for (const folder of folders) {
    const paths = CONFIG_NAMES.map((name) => join(folder, name)).filter((path) => existsSync(path));
    const [path, other] = paths;
    if (path === undefined) continue;
    return { path, findings: other === undefined ? [] : [configError(`${path} and ${other} both exist`, 'Remove one of them, or name one with --config.')] };
  }
  return { path: null, findings: [] };
}
