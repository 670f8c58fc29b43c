// Serving where requests are those of fetch: Deno, Bun, workers, and frameworks built on it.
import { answerHttp } from './http-answer.js';
import type { Origins } from './http-answer.js';
import type { SyncHandler } from './sync-handler.js';

export interface FetchHandlerOptions {
  /** Pages of other origins that may ask; none without it. */
  readonly origins?: Origins;
  /** Who is counted for a request, such as its address; all callers together without it. */
  readonly from?: (request: Request) => string;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Answers requests whose path ends in `/api/v0`. */
export function fetchHandler(handler: SyncHandler, { origins, from = () => 'all' }: FetchHandlerOptions = {}): (request: Request) => Promise<Response> {
  return async (request) => {
    const asked = { method: request.method, path: new URL(request.url).pathname, header: (name: string) => request.headers.get(name), from: from(request), body: request.body ?? nothing() };
    const { status, headers, body } = await answerHttp(handler, asked, origins);
    return new Response(status === 204 ? null : body, { status, headers });
  };
}
