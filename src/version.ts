// The package's own version, read from its manifest so that it is written in one place.
import { readFileSync } from 'node:fs';

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest && typeof manifest.version === 'string') {
    return manifest.version;
  }
  throw new Error('package.json has no version');
}

/** Version of this package. */
export const VERSION = readVersion();

/** Versions of the native protocol this relay speaks. */
export const PROTOCOL_VERSIONS = [1] as const;
