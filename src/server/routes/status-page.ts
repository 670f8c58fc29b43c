// `/status/public`: the public status page, and the same as JSON, RSS and a badge. What it is made of is
// shared for some seconds, however many ask.
import type { App } from '../fastify.js';
import { LINKED_POLICY } from '../html/page.js';
import { STYLE } from '../html/style.js';
import type { Incident } from '../incidents/incident.js';
import { problemSchema } from '../plugins/problem.js';
import { statusBadge, statusFeed, statusJson } from '../status-page/render-feed.js';
import { renderStatus } from '../status-page/render-status.js';
import type { StatusFacts } from '../status-page/status-facts.js';

const textSchema = {
  querystring: { type: 'object', properties: {}, additionalProperties: true },
  response: { 200: { type: 'string' }, '4xx': problemSchema, '5xx': problemSchema },
} as const;
const SHARED_SECONDS = 15;

export interface StatusPageDeps {
  readonly facts: () => StatusFacts;
  /** Newest first. */
  readonly incidents: () => readonly Incident[];
}

export function statusPageRoutes(app: App, { facts, incidents }: StatusPageDeps): void {
  const serve = (path: string, type: string, render: (origin: string) => string, seconds = SHARED_SECONDS): void => {
    app.get(path, { schema: textSchema }, (request, reply) =>
      reply
        .type(type)
        .header('cache-control', `public, max-age=${seconds}`)
        .header('content-security-policy', LINKED_POLICY)
        .header('x-content-type-options', 'nosniff')
        .header('referrer-policy', 'no-referrer')
        .send(render(`${request.protocol}://${request.host}`)),
    );
  };
  serve('/status/public', 'text/html; charset=utf-8', () => renderStatus(facts()));
  serve('/status/public.json', 'application/json; charset=utf-8', () => JSON.stringify(statusJson(facts())));
  serve('/status/public/feed.xml', 'application/rss+xml; charset=utf-8', (origin) => statusFeed(facts(), incidents(), origin));
  serve('/status/public/badge.svg', 'image/svg+xml; charset=utf-8', () => statusBadge(facts().status));
  serve('/status/public/style.css', 'text/css; charset=utf-8', () => STYLE, 3600);
}
