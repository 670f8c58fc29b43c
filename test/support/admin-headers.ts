// What a test sends to the admin address of a relay it started: the token that the relay left in its data directory, where there is one.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export function adminHeaders(dataDir: string): Record<string, string> {
  const file = join(dataDir, 'admin', 'token');
  return existsSync(file) ? { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` } : {};
}
