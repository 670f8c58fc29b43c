// Where the demo is shown, and what is answered where it is not.
import pino from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { newApp } from '../../../src/server/fastify.js';
import { demoRoutes } from '../../../src/server/demo/demo-routes.js';
import { showsDemo } from '../../../src/server/demo/open-demo.js';
import { CONTENT_SECURITY_POLICY } from '../../../src/server/page-files.js';

describe('the demo', () => {
  it.each([
    ['', true],
    ['--host ::1', true],
    ['--demo off', false],
    ['--host 0.0.0.0 --insecure', false],
    ['--behind-proxy loopback', false],
    ['--host 0.0.0.0 --insecure --demo on', true],
  ])('"%s": %s', (flags, isShown) => {
    expect(showsDemo(loadConfig(flags.split(' ').filter((flag) => flag !== ''), {}).config)).toBe(isShown);
  });

  const file = { type: 'text/html; charset=utf-8', etag: '"e"', plain: Buffer.from('<!doctype html>'), brotli: Buffer.from('') };
  const app = newApp(pino({ level: 'silent' }), { trustProxy: true });
  let address: string | null = null;
  demoRoutes(app, { files: new Map([['index.html', file]]), relayAddress: () => address });
  afterAll(() => app.close());

  it('is a page that may load nothing from elsewhere, and is told where the relay is once it listens', async () => {
    const page = await app.inject('/demo');
    expect([page.statusCode, page.body, page.headers['content-security-policy']]).toEqual([200, '<!doctype html>', CONTENT_SECURITY_POLICY]);
    expect((await app.inject('/demo/relay')).statusCode).toBe(404);
    address = 'sealrelay://127.0.0.1:1/#k=x';
    expect((await app.inject('/demo/relay')).json()).toEqual({ address });
    expect((await app.inject('/demo/assets/none.js')).statusCode).toBe(404);
    expect((await app.inject('/demo/assets/..%2fmain.js')).statusCode).toBe(404);
  });
});
