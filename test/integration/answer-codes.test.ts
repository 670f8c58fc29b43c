// Whatever is asked of the relay, right or wrong: an answer never has a code that `relay explain` does not know, and no code of a framework.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OPERATOR_CODES } from '../../src/cli/operator-codes.js';
import { ERRORS } from '../../src/protocol/errors.js';
import { DATA_PLANE_ROUTES } from '../../src/server/data-plane-routes.js';
import { adminHeaders } from '../support/admin-headers.js';
import { CLI, ServeProcess } from '../support/serve-process.js';

const PUBLIC_PATHS = ['/', '/health', '/api/health', '/health/ready', '/regions', '/version', '/metrics/sla', '/status/public', '/status/public.json', '/status/public/feed.xml', '/status/public/badge.svg', '/demo', '/demo/relay', '/demo/assets/none', '/nothing', '/api/nothing'];
const ANSWERS_MIN = 400;
/** Answers that bring a code at all. */
const CODES_MIN = 200;

interface Ask {
  readonly path: string;
  readonly init: RequestInit;
}

const json = { 'content-type': 'application/json' };
const WRONG: readonly ((path: string) => Ask)[] = [
  (path) => ({ path, init: {} }),
  (path) => ({ path: `${path}?period=2h&month=13&limit=x&after=-1&format=x&nobody=1`, init: {} }),
  (path) => ({ path: `${path}/%zz`, init: {} }),
  (path) => ({ path: `${path}/${'a'.repeat(300)}`, init: {} }),
  (path) => ({ path, init: { method: 'POST', headers: json, body: '{' } }),
  (path) => ({ path, init: { method: 'POST', headers: json, body: '{"made_up":1}' } }),
  (path) => ({ path, init: { method: 'POST', headers: json, body: '' } }),
  (path) => ({ path, init: { method: 'POST', headers: { 'content-type': 'text/x-odd' }, body: 'x' } }),
  (path) => ({ path, init: { method: 'PUT', headers: json, body: '[]' } }),
  (path) => ({ path, init: { method: 'DELETE' } }),
  (path) => ({ path, init: { method: 'PATCH', headers: json, body: '{}' } }),
  (path) => ({ path, init: { headers: { authorization: 'Bearer no' } } }),
];

/** The code of an answer, in whichever shape it is; null without one. */
function codeOf(text: string): string | null {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof answer !== 'object' || answer === null) return null;
  const { code, error }: { code?: unknown; error?: unknown } = answer;
  const inner: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  return typeof code === 'string' ? code : typeof inner === 'string' ? inner : null;
}

const isKnown = (code: string): boolean => Object.hasOwn(ERRORS, code.toLowerCase()) || Object.hasOwn(OPERATOR_CODES, code.toLowerCase());

describe.skipIf(!existsSync(CLI))('codes of answers (needs `npm run build`)', () => {
  it('are those of the registry, on every route, for requests of every kind', async () => {
    await using relay = new ServeProcess(['--limits.requests-per-minute', '0', '--limits.native-requests-per-minute', '0', '--limits.connections-per-minute', '0']);
    const [base, { metricsUrl }] = [await relay.url(), await relay.logLine('relay is listening')];
    const admin = new URL(String(metricsUrl)).origin;
    const auth = adminHeaders(join(relay.dir, 'data'));
    const api: { paths: Record<string, unknown> } = await (await fetch(`${admin}/docs/openapi.json`, { headers: auth })).json();
    const adminPaths = Object.keys(api.paths).map((path) => path.replaceAll(/\{[^}]+\}/g, 'aaaaaaaaaaaaaaaa'));
    expect(adminPaths.length).toBeGreaterThan(20);
    const publicPaths = [...PUBLIC_PATHS, ...Object.keys(DATA_PLANE_ROUTES).map((path) => path.replace('*', 'x'))];
    const asks = [...publicPaths.map((path) => ({ base, path, auth: {} })), ...adminPaths.map((path) => ({ base: admin, path, auth }))];
    const found = new Map<string, string>();
    let answers = 0;
    for (const { base: origin, path, auth: by } of asks) {
      for (const wrong of WRONG) {
        const { path: asked, init } = wrong(path);
        // A stream of the log or of entries has no end, and its head no code.
        const response = await fetch(`${origin}${asked}`, { ...init, headers: { ...by, ...init.headers }, redirect: 'manual', signal: AbortSignal.timeout(2000) });
        answers += 1;
        if (response.status < 400) {
          await response.body?.cancel();
          continue;
        }
        const code = codeOf(await response.text());
        if (code !== null) found.set(`${init.method ?? 'GET'} ${asked}`, code);
      }
    }
    expect(answers).toBeGreaterThan(ANSWERS_MIN);
    expect(found.size).toBeGreaterThan(CODES_MIN);
    expect([...found].filter(([, code]) => !isKnown(code))).toEqual([]);
    // Control: the code that was found here once would be found again.
    expect(isKnown('fst_err_validation')).toBe(false);
  });

  it('name the field that is not valid, and what it may be', async () => {
    await using relay = new ServeProcess([]);
    const response = await fetch(`${await relay.url()}/metrics/sla?period=2h`);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await response.json()).toEqual({ type: 'about:blank', title: 'Bad Request', status: 400, code: 'request_invalid', detail: '"period" in the query must be one of 1h, 24h, 7d, 30d.', field: 'period', allowed: ['1h', '24h', '7d', '30d'] });
  });
});
