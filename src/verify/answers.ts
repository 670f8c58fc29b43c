// Everything the relay says over HTTP: figures, health, pages, and the bodies of its errors.
import type { Sink } from './sink.js';

const ANSWER_MS_MAX = 10_000;
const CONTROL_PATHS = ['/health', '/health/live', '/health/ready', '/version', '/regions', '/'];
const ADMIN_PATHS = ['/', '/status', '/live', '/admin', '/docs/openapi.json', '/admin/api/session'];
/** What an operator sees who is signed in. */
const SIGNED_IN_PATHS = ['overview', 'config', 'logs', 'spaces', 'slow-readers', 'sample', 'passkeys'];
const WRONG = [
  ['GET', '/no-such-page'],
  ['GET', '/v1/connect'],
  ['POST', '/v1/session'],
  ['POST', '/v1/push'],
  ['POST', '/v1/pull'],
  ['DELETE', '/health'],
  ['GET', '/%zz'],
] as const;

export interface AnswerSinks {
  readonly metrics: Sink;
  readonly control: Sink;
  readonly admin: Sink;
  readonly errors: Sink;
}

/** Asks both listeners of a relay, with the token of this machine where there is one, and puts heads and bodies into the sinks. */
export async function searchAnswers(sinks: AnswerSinks, port: number, adminPort: number, token: string | null): Promise<void> {
  const [open, admin] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${adminPort}`];
  await ask(sinks.metrics, `${admin}/metrics`);
  for (const path of CONTROL_PATHS) await ask(sinks.control, open + path);
  for (const path of ADMIN_PATHS) await ask(sinks.admin, admin + path);
  for (const path of SIGNED_IN_PATHS) await ask(sinks.admin, `${admin}/admin/api/${path}`, 'GET', token);
  for (const [method, path] of WRONG) {
    await ask(sinks.errors, open + path, method);
    await ask(sinks.errors, admin + path, method);
  }
}

async function ask(sink: Sink, url: string, method = 'GET', token: string | null = null): Promise<void> {
  const body = method === 'POST' ? { body: 'this is no frame' } : {};
  const response = await fetch(url, { method, ...body, headers: { 'accept-encoding': 'gzip, br', ...(token === null ? {} : { authorization: `Bearer ${token}` }) }, signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  sink.push(Buffer.from(`${url} ${response.status}\n${headers}\n\n`), url);
  sink.push(new Uint8Array(await response.arrayBuffer()), url);
}
