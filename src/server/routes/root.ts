// `/`: what answers here, for whoever types the address into a browser or into curl. It tells what the paths it names tell anyway.
import type { App } from '../fastify.js';
import { html, type Html } from '../html/html.js';
import { STANDALONE_POLICY, page } from '../html/page.js';
import { letPagesRead } from '../plugins/let-pages-read.js';
import { problemSchema } from '../plugins/problem.js';
import type { Phase } from '../readiness.js';

const NAME = 'sealrelay';

const rootSchema = {
  querystring: { type: 'object', properties: {}, additionalProperties: true },
  response: {
    200: {
      type: 'object',
      required: ['service', 'version', 'status', 'endpoints', 'timestamp'],
      properties: {
        service: { const: NAME },
        version: { type: 'string' },
        status: { type: 'string', enum: ['online', 'starting', 'draining'] },
        about: { type: 'string' },
        endpoints: { type: 'object', additionalProperties: { type: 'string' } },
        timestamp: { type: 'integer' },
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;

const ABOUT = 'A blind relay for local-first apps: it orders sealed entries, makes them durable, pushes them live, and cannot read them.';

export interface RootDeps {
  readonly version: string;
  readonly phase: () => Phase;
  readonly clock: () => number;
  readonly hasStatusPage: boolean;
  readonly demo: object | null;
}

interface Place {
  readonly path: string;
  /** Its name in JSON. */
  readonly name: string;
  /** For people; no full stop. */
  readonly does: string;
}

export function rootRoute(app: App, deps: RootDeps): void {
  const places = placesOf(deps);
  app.get('/', { schema: rootSchema, onRequest: letPagesRead }, (request, reply) => {
    void reply.header('cache-control', 'no-store').header('vary', 'accept');
    if (wantsPage(request.headers.accept)) {
      return reply.type('text/html; charset=utf-8').header('content-security-policy', STANDALONE_POLICY).serializer(String).send(rootPage(deps, places));
    }
    return reply.send({ service: NAME, version: deps.version, status: stateOf(deps.phase()), about: ABOUT, endpoints: Object.fromEntries(places.map(({ name, path }) => [name, path])), timestamp: deps.clock() });
  });
}

function placesOf({ hasStatusPage, demo }: RootDeps): readonly Place[] {
  return [
    ...(demo === null ? [] : [{ path: '/demo', name: 'demo', does: 'two devices in one page, and all the relay gets of them' }]),
    ...(hasStatusPage ? [{ path: '/status/public', name: 'status', does: 'status page: regions, 90 days, incidents' }, { path: '/metrics/sla', name: 'sla', does: 'uptime and response times' }] : []),
    { path: '/health', name: 'health', does: 'how the relay is' },
    { path: '/health/ready', name: 'ready', does: 'whether it takes work' },
    { path: '/regions', name: 'regions', does: 'regions, their state and latency' },
    { path: '/version', name: 'version', does: 'version and protocols' },
  ];
}

/** Browsers name HTML before anything else; what only takes everything is a program. */
function wantsPage(accept: string | undefined): boolean {
  return /(^|,)\s*text\/html\s*(,|$|;\s*q=(1|0\.[5-9]))/i.test(accept ?? '');
}

function stateOf(phase: Phase): 'online' | 'starting' | 'draining' {
  return phase === 'ready' ? 'online' : phase;
}

function rootPage({ version, phase }: RootDeps, places: readonly Place[]): string {
  const state = stateOf(phase());
  return page({
    title: NAME,
    body: html`<h1>${NAME} <span class="soft">${version}</span></h1>
<p class="banner ${state === 'online' ? 'ok' : 'plan'}" role="status"><span><span class="dot" aria-hidden="true"></span>This relay is ${state}.</span></p>
<p>${ABOUT}</p>
<p>Apps connect to it by its address, which begins with <code>sealrelay://</code>; its operator finds that in the log.</p>
<h2>What answers here</h2>
<div class="card">${places.map(rowOf)}</div>
<footer class="soft"><p>For operators: <code>relay status</code> and <code>relay admin-link</code> on the relay's machine; <code>relay --help</code> lists the rest.</p></footer>`,
  });
}

function rowOf({ path, does }: Place): Html {
  return html`<p><a href="${path}">${path}</a><br><span class="soft">${does}</span></p>`;
}
