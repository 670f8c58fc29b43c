// The files of a page, from the build: in memory from the start, compressed by the build, nothing from elsewhere.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from './plugins/problem.js';

/** Everything of the page is from its own address; it cannot be framed, and has nothing inline. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
const FILES_MAX = 32;

interface PageFile {
  readonly type: string;
  readonly etag: string;
  readonly plain: Buffer;
  /** `<name>.br`, which the build wrote. */
  readonly brotli: Buffer;
}

/** By name. */
export type PageFiles = ReadonlyMap<string, PageFile>;

/** Reads the files of a folder; none where it was not built. */
export function readPageFiles(folder: string): PageFiles {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return new Map();
  }
  return new Map(names.filter((name) => TYPES[extname(name)] !== undefined && names.includes(`${name}.br`)).slice(0, FILES_MAX).map((name) => [name, readPageFile(folder, name)]));
}

function readPageFile(folder: string, name: string): PageFile {
  const plain = readFileSync(join(folder, name));
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
  return { type: TYPES[extname(name)] ?? '', etag, plain, brotli: readFileSync(join(folder, `${name}.br`)) };
}

/** Answers with one of them, compressed for whoever takes that. */
export async function sendFile(files: PageFiles, name: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const file = files.get(name);
  if (file === undefined) return sendProblem(reply, 404, 'not_found', 'There is nothing at this path.');
  reply
    .type(file.type)
    .header('content-security-policy', CONTENT_SECURITY_POLICY)
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'no-referrer')
    .header('cross-origin-opener-policy', 'same-origin')
    .header('cross-origin-resource-policy', 'same-origin')
    .header('cache-control', 'no-cache')
    .header('vary', 'accept-encoding')
    .header('etag', file.etag);
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
  const takesBrotli = /\bbr\b/.test(request.headers['accept-encoding'] ?? '');
  if (takesBrotli) reply.header('content-encoding', 'br');
  return reply.send(takesBrotli ? file.brotli : file.plain);
}
