// The same facts for machines: JSON, an RSS feed of incidents, a badge.
import { escapeHtml } from '../html/html.js';
import { renderMarkdown } from '../html/markdown.js';
import type { Incident } from '../incidents/incident.js';
import type { Overall, StatusFacts } from './status-facts.js';

const FEED_ITEMS_MAX = 50;

export function statusJson(facts: StatusFacts): object {
  const incident = ({ id, title, impact, status, fromMs, toMs, regions, note }: Incident): object => ({ id, title, impact, status, from: fromMs, to: toMs, regions, note });
  const { open, past, ...rest } = facts;
  return { ...rest, incidents: [...open, ...past].map(incident) };
}

/** `origin` is where the page is reached. */
export function statusFeed(facts: StatusFacts, incidents: readonly Incident[], origin: string): string {
  const link = `${origin}/status/public`;
  const items = incidents.slice(0, FEED_ITEMS_MAX).map(
    (incident) => `<item><title>${escapeHtml(`${incident.title} (${incident.status})`)}</title><link>${escapeHtml(link)}</link><guid isPermaLink="false">${escapeHtml(`${incident.id}-${incident.status}`)}</guid><pubDate>${new Date(incident.fromMs).toUTCString()}</pubDate><description>${escapeHtml(renderMarkdown(incident.note).text)}</description></item>`,
  );
  return `<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>${escapeHtml(facts.title)}</title><link>${escapeHtml(link)}</link><description>Incidents and maintenance</description>
${items.join('\n')}
</channel></rss>
`;
}

const BADGE: Readonly<Record<Overall, { readonly words: string; readonly colour: string }>> = {
  operational: { words: 'operational', colour: '#177245' },
  maintenance: { words: 'maintenance', colour: '#2a5db0' },
  degraded: { words: 'degraded', colour: '#8a5300' },
  outage: { words: 'outage', colour: '#b3261e' },
};
const CHARACTER_WIDTH = 6.6;
const PADDING = 12;

export function statusBadge(status: Overall): string {
  const { words, colour } = BADGE[status];
  const [left, right] = ['status', words].map((text) => Math.round(text.length * CHARACTER_WIDTH + PADDING)) as [number, number];
  const text = (x: number, value: string): string => `<text x="${x}" y="14" textLength="${Math.round(value.length * CHARACTER_WIDTH)}">${value}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="status: ${words}"><title>status: ${words}</title><clipPath id="r"><rect width="${left + right}" height="20" rx="4"/></clipPath><g clip-path="url(#r)"><rect width="${left}" height="20" fill="#3b4552"/><rect x="${left}" width="${right}" height="20" fill="${colour}"/></g><g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">${text(left / 2, 'status')}${text(left + right / 2, words)}</g></svg>
`;
}
