// The package's own version, read from its manifest so that it is written in one place.
import { readFileSync } from 'node:fs';

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest && typeof manifest.version === 'string') {
    return manifest.version;
  }
  throw new Error('package.json has no version');
}

/** What the build wrote beside the compiled files; nothing where they are run uncompiled, or were built outside a repository. */
function readBuild(): { readonly commit: string | null; readonly date: string | null } {
  try {
    const build: unknown = JSON.parse(readFileSync(new URL('build.json', import.meta.url), 'utf8'));
    const text = (name: string): string | null => {
      const value: unknown = typeof build === 'object' && build !== null ? Object.entries(build).find(([key]) => key === name)?.[1] : null;
      return typeof value === 'string' ? value : null;
    };
    return { commit: text('commit'), date: text('date') };
  } catch {
    return { commit: null, date: null };
  }
}

/** The commit this was built from and its date; null where the build did not know. */
export const BUILD = readBuild();

/** Version of this package. */
export const VERSION = readVersion();

/** Versions of the native protocol this relay speaks. */
export const PROTOCOL_VERSIONS = [1] as const;
