// What the clients of other systems add to a page, minified and compressed; and that nothing of Node is in them.
import { brotliCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { bundled } from '../../support/react/bundle.js';

const BYTES_MAX: Readonly<Record<string, number>> = {
  'src/client/graceful/index.ts': 19_000,
  'src/client/plures/index.ts': 13_500,
};

describe('compressed sizes', () => {
  test.each(Object.entries(BYTES_MAX))('%s: at most %i bytes, and it bundles for a browser', async (entry, max) => {
    const code = await bundled(entry, { platform: 'browser', minify: true });
    expect(code).not.toMatch(/hyperswarm"|from"node:|require\("(?:ws|node:)/);
    expect(brotliCompressSync(code).length).toBeLessThanOrEqual(max);
  });

  test('control: the client of spaces is in none of them, and would not fit', async () => {
    const code = await bundled('src/client/index.ts', { platform: 'browser', minify: true });
    expect(brotliCompressSync(code).length).toBeGreaterThan(Math.max(...Object.values(BYTES_MAX)));
  });
});
