// The components as an app's bundler sees them, for either version of React.
import { join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';

export const ROOT = join(import.meta.dirname, '../../..');
export type ReactVersion = 18 | 19;

/** React 18 is installed under other names beside React 19. */
export function aliasesOf(version: ReactVersion): Record<string, string> {
  return version === 19 ? {} : { react: 'react-18', 'react-dom': 'react-dom-18' };
}

/** The text of one bundle. */
export async function bundled(entry: string, options: BuildOptions): Promise<string> {
  const { outputFiles } = await build({ absWorkingDir: ROOT, entryPoints: [entry], bundle: true, format: 'esm', target: 'es2022', logLevel: 'silent', jsx: 'automatic', ...options, write: false });
  return outputFiles?.[0]?.text ?? '';
}
