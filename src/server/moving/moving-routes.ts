// Moving house over the admin API: a space out as a file that is made while it is sent, and a file in as a space.
import { createWriteStream } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RelayError } from '../../errors.js';
import type { PieceSource, RelayPort } from '../../native/relay-port.js';
import type { AuditAction } from '../audit/audit-actions.js';
import type { AuditSink } from '../audit/audit-sink.js';
import { makeDirs } from '../data-dirs.js';
import type { App } from '../fastify.js';
import { problemSchema, sendProblem } from '../plugins/problem.js';

/** How long an upload may take. */
export const IMPORT_UPLOAD_MS_MAX = 30 * 60_000;
/** Largest file taken; a space is far smaller. */
const IMPORT_FILE_BYTES_MAX = 64 * 1024 * 1024 * 1024;
/** Exports and imports at the same time, together: each reads or writes the log. */
const MOVES_MAX = 2;
const FILE_TYPE = 'application/octet-stream';

export interface MovingDeps {
  readonly core: () => RelayPort | null;
  readonly audit: AuditSink;
  /** Uploads lie there until they were read. */
  readonly dataDir: string;
}

const exportSchema = {
  tags: ['spaces'],
  summary: 'A space as a file that another relay can import; made while it is sent.',
  params: { type: 'object', required: ['pseudonym'], properties: { pseudonym: { type: 'string', pattern: '^([a-z2-7]{16}|[0-9a-f]{64})$' } } },
  querystring: { type: 'object', properties: {}, additionalProperties: false },
  response: { 200: { description: 'The file.', content: { [FILE_TYPE]: { schema: { type: 'string', format: 'binary' } } } }, '4xx': problemSchema, '5xx': problemSchema },
} as const;

const importSchema = {
  tags: ['spaces'],
  summary: 'Takes a file that another relay exported in as a space, or goes on with a space whose log is the beginning of the file.',
  querystring: { type: 'object', properties: {}, additionalProperties: false },
  // A stream, which no schema looks into.
  body: { content: { [FILE_TYPE]: { schema: {} } } },
  response: {
    200: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;

/** The status of what the store refuses; what is not here is a failure of the relay. */
const STATUSES: Readonly<Record<string, number>> = {
  space_unknown: 404,
  space_id_invalid: 400,
  space_exists: 409,
  space_erased: 409,
  import_unfinished: 409,
  import_history_unknown: 422,
  import_refused: 422,
  import_blobs_refused: 422,
  export_invalid: 422,
  import_too_large: 413,
  overloaded: 503,
  disk_full: 507,
};

export async function movingRoutes(app: App, deps: MovingDeps): Promise<void> {
  let moves = 0;
  const taken = (): boolean => {
    if (moves >= MOVES_MAX) return false;
    moves += 1;
    return true;
  };
  const done = (): void => void (moves -= 1);
  let cleared: Promise<void> | null = null;
  await app.register(async (scope: App) => {
    // The body is a stream, and never in memory as a whole.
    scope.addContentTypeParser(FILE_TYPE, (_request, payload, parsed) => parsed(null, payload));
    scope.get<{ Params: { pseudonym: string } }>('/admin/api/spaces/:pseudonym/export', { schema: exportSchema }, async ({ params, adminActor }, reply) => {
      const core = deps.core();
      if (core === null || !taken()) return sendProblem(reply, 503, 'busy', 'Too many exports and imports are under way; try again.');
      try {
        const source = await core.beginExport(params.pseudonym);
        await record(deps.audit, 'space.exported', 'done', adminActor, subjectOf(params.pseudonym));
        const file = Readable.from(pieces(source)).once('close', done);
        return reply.type(FILE_TYPE).header('content-disposition', 'attachment; filename="space.srspace"').header('cache-control', 'no-store').send(file);
      } catch (error) {
        done();
        await record(deps.audit, 'space.exported', 'refused', adminActor, subjectOf(params.pseudonym));
        return refuse(reply, error);
      }
    });
    scope.post('/admin/api/spaces/import', { schema: importSchema, bodyLimit: IMPORT_FILE_BYTES_MAX }, async ({ body, adminActor }, reply) => {
      const core = deps.core();
      if (!(body instanceof Readable)) return sendProblem(reply, 415, 'unsupported_media_type', `Send the file as ${FILE_TYPE}.`);
      if (core === null || !taken()) return sendProblem(reply, 503, 'busy', 'Too many exports and imports are under way; try again.');
      const dir = join(deps.dataDir, 'moving');
      const path = join(dir, `${randomBytes(12).toString('hex')}.upload`);
      try {
        await (cleared ??= clearLeftovers(dir));
        await save(body, path);
        const { file, added } = await core.importSpace(path);
        await record(deps.audit, 'space.imported', 'done', adminActor, null);
        return await reply.header('cache-control', 'no-store').send({ ...file, added });
      } catch (error) {
        await record(deps.audit, 'space.imported', 'refused', adminActor, null);
        return refuse(reply, error);
      } finally {
        done();
        await rm(path, { force: true });
      }
    });
  });
}

async function* pieces(source: PieceSource): AsyncGenerator<Uint8Array> {
  for (let piece = await source.next(); piece !== null; piece = await source.next()) yield piece;
}

/** Uploads that a crash left; the store's lock says that no other relay is at work here. */
async function clearLeftovers(dir: string): Promise<void> {
  await makeDirs(dir);
  for (const name of await readdir(dir)) await rm(join(dir, name), { force: true });
}

async function save(body: Readable, path: string): Promise<void> {
  let bytes = 0;
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      bytes += chunk.length;
      next(bytes > IMPORT_FILE_BYTES_MAX ? new RelayError('import_too_large', `the file is larger than ${IMPORT_FILE_BYTES_MAX} bytes`) : null, chunk);
    },
  });
  await pipeline(body, limit, createWriteStream(path, { mode: 0o600, flags: 'wx' }));
}

function refuse(reply: Parameters<typeof sendProblem>[0], error: unknown): ReturnType<typeof sendProblem> {
  if (!(error instanceof RelayError) || STATUSES[error.code] === undefined) throw error;
  return sendProblem(reply, STATUSES[error.code] ?? 500, error.code, error.hint === null ? `${error.message}.` : `${error.message}. ${error.hint}`);
}

/** An id that the operator typed is not written down. */
function subjectOf(named: string): string | null {
  return named.length === 16 ? named : null;
}

async function record(audit: AuditSink, action: AuditAction, outcome: 'done' | 'refused', actor: string | null, subject: string | null): Promise<void> {
  // What the log cannot take, it reports itself.
  await audit.record({ action, actor: actor ?? 'operator', subject, outcome }).catch(() => undefined);
}
