import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { LOCAL, adminWorld } from '../../../support/admin-app.js';

describe('the files of the admin page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealrelay-pages-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const page = '<!doctype html><title>page</title>';
  for (const name of ['index.html', 'docs.html', 'app.js']) {
    writeFileSync(join(folder, name), page);
    writeFileSync(join(folder, `${name}.br`), brotliCompressSync(page));
  }
  writeFileSync(join(folder, 'half.js'), 'not compressed');
  writeFileSync(join(folder, 'secret.txt'), 'of no known type');

  it('come with a policy that lets nothing in from elsewhere, and cannot be framed', async () => {
    await using world = await adminWorld({ pageFolder: folder });
    for (const url of ['/admin', '/docs', '/admin/assets/app.js']) {
      const { statusCode, headers, body } = await world.app.inject({ url, headers: LOCAL });
      expect([statusCode, body]).toEqual([200, page]);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    }
    const root = await world.app.inject({ url: '/', headers: LOCAL });
    expect([root.statusCode, root.headers.location]).toEqual([303, '/admin']);
  });

  it('are sent compressed, and not again when they did not change', async () => {
    await using world = await adminWorld({ pageFolder: folder });
    const compressed = await world.app.inject({ url: '/admin', headers: { ...LOCAL, 'accept-encoding': 'gzip, br' } });
    expect(compressed.headers['content-encoding']).toBe('br');
    expect(brotliDecompressSync(compressed.rawPayload).toString()).toBe(page);
    const again = await world.app.inject({ url: '/admin', headers: { ...LOCAL, 'if-none-match': String(compressed.headers.etag) } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });

  it('are those of the build, and nothing beside them', async () => {
    await using world = await adminWorld({ pageFolder: folder });
    for (const name of ['half.js', 'secret.txt', 'app.js.br', '..%2f..%2fetc%2fpasswd', '%2e%2e']) {
      expect({ name, status: (await world.app.inject({ url: `/admin/assets/${name}`, headers: LOCAL })).statusCode }).toEqual({ name, status: 404 });
    }
    await using none = await adminWorld({ pageFolder: join(folder, 'not-built') });
    expect((await none.app.inject({ url: '/admin', headers: LOCAL })).statusCode).toBe(404);
  });
});
