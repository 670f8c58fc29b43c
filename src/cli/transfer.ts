// Files from and to a relay on this machine, as streams: however large they are, a piece is in memory.
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import { RelayError } from '../errors.js';
import { callAdmin, callForObject, type Answering } from './admin-call.js';

const FILE_TYPE = 'application/octet-stream';

/** Fetches a file, has it checked, and only then gives it its name. */
export async function download(target: Answering, path: string, to: string, check: (file: string) => Promise<void>): Promise<void> {
  if ((await stat(to).catch(() => null)) !== null) throw new RelayError('file_exists', `${to} is there already`, { hint: 'Name another file with --out.' });
  const { body } = await callAdmin(target, { method: 'GET', path });
  if (body === null) throw new RelayError('download_failed', 'the relay sent nothing', { temporary: true });
  const part = `${to}.part`;
  try {
    // The two types of one stream of the web: the platform's and Node's.
    await pipeline(Readable.fromWeb(body as NodeStream), createWriteStream(part, { mode: 0o600 }));
    await check(part);
    await rename(part, to);
  } catch (cause) {
    await rm(part, { force: true });
    if (cause instanceof RelayError) throw cause;
    throw new RelayError('download_failed', `the file did not arrive: ${cause instanceof Error ? cause.message : String(cause)}`, { temporary: true, hint: "Try again; the relay's log says more.", cause });
  }
}

/** Sends a file; resolves with the answer. */
export async function upload(target: Answering, path: string, from: string): Promise<Readonly<Record<string, unknown>>> {
  const found = await stat(from).catch(() => null);
  if (found?.isFile() !== true) throw new RelayError('config_invalid', `${from} is no file`, { hint: 'Name the file that `relay space export` wrote.' });
  const stream = Readable.toWeb(createReadStream(from)) as unknown as ReadableStream;
  return callForObject(target, { method: 'POST', path, body: { type: FILE_TYPE, stream } });
}
