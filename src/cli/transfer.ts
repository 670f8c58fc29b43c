// Files from and to a relay on this machine, as streams: however large they are, a piece is in memory.
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { RelayError } from '../errors.js';
import type { Target } from './target.js';

const FILE_TYPE = 'application/octet-stream';
const ANSWER_CHARS_MAX = 64 * 1024;
const HINT = 'Is the relay running, with its admin listener on?';

/** Who is asked; with a token where the relay wants one. */
export type Answering = Target & { readonly token?: string | null };

function authorization({ token }: Answering): Readonly<Record<string, string>> {
  return token === undefined || token === null ? {} : { authorization: `Bearer ${token}` };
}

/** Fetches a file, has it checked, and only then gives it its name. */
export async function download(url: string, target: Answering, path: string, check: (path: string) => Promise<void>): Promise<void> {
  if ((await stat(path).catch(() => null)) !== null) throw new RelayError('file_exists', `${path} is there already`, { hint: 'Name another file with --out.' });
  const response = await ask(url, { method: 'GET', headers: authorization(target) });
  if (response.status !== 200 || response.body === null) throw await refusal(response);
  const part = `${path}.part`;
  try {
    // The two types of one stream of the web: the platform's and Node's.
    await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(part, { mode: 0o600 }));
    await check(part);
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true });
    if (cause instanceof RelayError) throw cause;
    throw new RelayError('download_failed', `the file did not arrive: ${cause instanceof Error ? cause.message : String(cause)}`, { temporary: true, hint: "Try again; the relay's log says more.", cause });
  }
}

/** Sends a file; resolves with the answer. */
export async function upload(url: string, target: Answering, path: string): Promise<Readonly<Record<string, unknown>>> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile() !== true) throw new RelayError('config_invalid', `${path} is no file`, { hint: 'Name the file that `relay space export` wrote.' });
  const body = Readable.toWeb(createReadStream(path));
  const init = { method: 'POST', headers: { 'content-type': FILE_TYPE, ...authorization(target) }, body, duplex: 'half' };
  const response = await ask(url, init as unknown as RequestInit);
  if (response.status !== 200) throw await refusal(response);
  const answer: unknown = JSON.parse(await text(response));
  return typeof answer === 'object' && answer !== null ? Object.fromEntries(Object.entries(answer)) : {};
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'error' });
  } catch (cause) {
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    const why = inner instanceof Error && 'code' in inner && inner.code === 'ECONNREFUSED' ? 'nobody listens there' : inner instanceof Error ? inner.message : String(inner);
    throw new RelayError('relay_unreachable', `${url}: ${why}`, { temporary: true, hint: HINT, cause });
  }
}

/** A problem document as an error. */
async function refusal(response: Response): Promise<RelayError> {
  const problem: unknown = await text(response).then(JSON.parse).catch(() => null);
  const { code, detail }: { code?: unknown; detail?: unknown } = typeof problem === 'object' && problem !== null ? problem : {};
  const what = typeof detail === 'string' ? detail.replace(/\.$/, '') : `HTTP status ${response.status}`;
  return new RelayError(typeof code === 'string' ? code : 'relay_refused', `the relay refused: ${what}`);
}

async function text(response: Response): Promise<string> {
  return (await response.text()).slice(0, ANSWER_CHARS_MAX);
}
