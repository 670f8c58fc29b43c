// Rendering on a server: no space is opened, no network is asked, and what is not known yet is said to be so.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { aliasesOf, bundled, ROOT, type ReactVersion } from '../../support/react/bundle.js';
import type * as ServerPage from '../../support/react/server-page.js';

mkdirSync(join(ROOT, '.build'), { recursive: true });
const dir = mkdtempSync(join(ROOT, '.build/react-server-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test.each<ReactVersion>([18, 19])('React %i renders every component', async (version) => {
  const complaints = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const file = join(dir, `${version}.cjs`);
  writeFileSync(file, await bundled('test/support/react/server-page.tsx', { platform: 'node', format: 'cjs', alias: aliasesOf(version), define: { 'process.env.NODE_ENV': '"development"' } }));
  const page: typeof ServerPage = await import(file);
  expect(page.reactVersion).toMatch(new RegExp(`^${version}\\.`));
  const { html, calls } = page.render();
  expect(calls).toBe(0);
  for (const text of ['aria-busy="true"', 'Looking for regions', 'Your data travels with you.', 'Offline: changes stay here', 'Opening …', 'Add a device', 'No devices yet', 'sr-notice', 'Six words, or the pasted code', 'present: 0']) expect(html).toContain(text);
  expect(html).not.toContain('sr-qr');
  expect(complaints).not.toHaveBeenCalled();
});
