// What the hooks and each component add to an app, without React, minified and compressed.
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { brotliCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { bundled, ROOT } from '../../support/react/bundle.js';

const BYTES_MAX: Readonly<Record<string, number>> = {
  'index.ts': 3072,
  'connection-badge.tsx': 1100,
  'sync-indicator.tsx': 1600,
  'device-list.tsx': 1600,
  'region-selector.tsx': 3400,
  'join-space.tsx': 2300,
  'pair-device.tsx': 6000,
  'failover-notice.tsx': 1900,
  'primitives.ts': 1400,
};
const STYLES_BYTES_MAX = 3072;
const EXTERNAL = ['react', 'react-dom'];

const sizeOf = async (entry: string): Promise<number> => brotliCompressSync(await bundled(entry, { platform: 'browser', minify: true, external: EXTERNAL })).length;

describe('compressed sizes', () => {
  test.each(Object.entries(BYTES_MAX))('%s: at most %i bytes', async (entry, max) => {
    expect(await sizeOf(`src/react/${entry}`)).toBeLessThanOrEqual(max);
  });

  test('the styles', async () => {
    expect(brotliCompressSync(await bundled('src/react/styles.css', { minify: true })).length).toBeLessThanOrEqual(STYLES_BYTES_MAX);
  });

  test('control: the client is in none of them, and would not fit', async () => {
    expect(await sizeOf('src/client/index.ts')).toBeGreaterThan(Math.max(...Object.values(BYTES_MAX)));
  });

  test('every entry of the package has a budget', () => {
    const manifest: { exports: Record<string, { default?: string }> } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const entries = Object.entries(manifest.exports).flatMap(([name, { default: file }]) => (name.startsWith('./react') && file !== undefined ? [file.replace('./dist/react/', '').replace(/\.js$/, '')] : []));
    expect(entries.toSorted()).toEqual(Object.keys(BYTES_MAX).map((file) => file.replace(/\.tsx?$/, '')).toSorted());
  });
});
