// The public status page as HTML, without a line of script.
import { html, type Html } from '../html/html.js';
import { renderMarkdown } from '../html/markdown.js';
import { page } from '../html/page.js';
import type { Impact, Incident } from '../incidents/incident.js';
import type { RegionStatus } from '../regions/region-watch.js';
import { span } from '../sla/render-report.js';
import type { DayFigures } from '../sla/sla-view.js';
import { DAYS_SHOWN, type Overall, type RegionFacts, type StatusFacts } from './status-facts.js';

const BAR_WIDTH = 3;
const BAR_STEP = 4;
const BAR_HEIGHT = 40;
/** Downtime of a day from which its bar is red instead of yellow. */
const LONG_SECONDS = 15 * 60;

type Tone = 'ok' | 'warn' | 'bad' | 'plan' | 'none';

const OVERALL: Readonly<Record<Overall, { readonly tone: Tone; readonly words: string }>> = {
  operational: { tone: 'ok', words: 'All systems operational' },
  maintenance: { tone: 'plan', words: 'Maintenance under way' },
  degraded: { tone: 'warn', words: 'Some systems are degraded' },
  outage: { tone: 'bad', words: 'There is an outage' },
};
const REGION: Readonly<Record<RegionStatus, { readonly tone: Tone; readonly words: string }>> = {
  online: { tone: 'ok', words: 'Online' },
  degraded: { tone: 'warn', words: 'Degraded' },
  offline: { tone: 'bad', words: 'Offline' },
  unknown: { tone: 'none', words: 'Not known yet' },
};
const IMPACT: Readonly<Record<Impact, Tone>> = { none: 'ok', minor: 'warn', major: 'bad', critical: 'bad', maintenance: 'plan' };

export function renderStatus(facts: StatusFacts): string {
  return page({
    title: `${facts.title}: ${OVERALL[facts.status].words}`,
    styleHref: '/status/public/style.css',
    head: html`<link rel="alternate" type="application/rss+xml" title="Incidents" href="/status/public/feed.xml">
<link rel="icon" type="image/svg+xml" href="/status/public/badge.svg">
`,
    body: html`<h1>${facts.title}</h1>
${banner(facts)}
${facts.open.length === 0 ? null : html`<h2>Now</h2>
${facts.open.map((incident) => incidentCard(incident, facts.updated))}`}
<h2>Regions</h2>
${facts.regions.map((region) => regionCard(region, facts))}
<h2>Last 24 hours</h2>
${figures(facts)}
<h2>Past incidents</h2>
${facts.past.length === 0 ? html`<p class="soft">None in the last 30 days.</p>` : facts.past.map((incident) => incidentCard(incident, facts.updated))}
<footer class="soft"><p>Updated ${time(facts.updated)}. Times are UTC.</p>
<p><a href="/status/public.json">JSON</a> · <a href="/status/public/feed.xml">RSS</a> · <a href="/status/public/badge.svg">Badge</a> · <a href="/metrics/sla">Service level</a></p></footer>`,
  });
}

function banner(facts: StatusFacts): Html {
  const { status, updated, measured_seconds: measured, uptime_percentage: uptime } = facts;
  const { tone, words } = OVERALL[status];
  const past = measured === 0 ? 'Measuring has just begun.' : `${uptime} % uptime ${measuredOver(facts)}`;
  return html`<div class="banner ${tone}" role="status">${sign(tone)}<div>${words}<div class="soft">${past}</div></div><span class="unseen"> at ${time(updated)}</span></div>`;
}

/** No more days than were measured. */
function measuredOver({ measured_since: since }: StatusFacts): string {
  return since === null ? `in the last ${DAYS_SHOWN} days` : `since ${time(since).slice(0, 10)}`;
}

function sign(tone: Tone): Html {
  const shape = tone === 'ok' ? html`<path d="m7.5 12.3 3 3 6-6.6"/>` : tone === 'plan' ? html`<path d="M12 7v5.2l3.4 2"/>` : html`<path d="M12 7.2v5.6M12 16.3v.5"/>`;
  return html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="12" cy="12" r="10"/>${shape}</svg>`;
}

function regionCard({ name, location, status, latency_ms: latency, checked, here }: RegionFacts, facts: StatusFacts): Html {
  const { tone, words } = REGION[status];
  const detail = here ? `Store latency ${latency ?? 0} ms` : checked === null ? 'Not asked yet' : `${latency === null ? 'No answer' : `Answered in ${latency} ms`}, ${time(checked)}`;
  return html`<section class="card"><div class="row"><h3>${name}${location === '' ? null : html` <span class="soft">${location}</span>`}</h3><span class="state ${tone}"><span class="dot" aria-hidden="true"></span>${words}</span></div>
${here ? barsOf(facts) : null}<p class="soft">${detail}</p></section>
`;
}

function barsOf(facts: StatusFacts): Html {
  const { days, measured_seconds: measured, uptime_percentage: uptime } = facts;
  const width = days.length * BAR_STEP - (BAR_STEP - BAR_WIDTH);
  const told = measured === 0 ? 'Uptime was not measured yet.' : `Uptime ${measuredOver(facts)}: ${uptime} %.`;
  return html`<svg class="bars" viewBox="0 0 ${width} ${BAR_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${told}">${days.map((day, place) => bar(day, place))}</svg>
<div class="row soft"><span>${days.length} days ago</span><span>${measured === 0 ? 'not measured' : `${uptime} %`}</span><span>Today</span></div>
<ul class="legend soft">${(
    [
      ['up', 'Up'],
      ['short', 'Down for less than 15 min'],
      ['long', 'Down for longer'],
      ['planned', 'Planned stop'],
      ['unknown', 'Not measured'],
    ] as const
  ).map(([kind, words]) => html`<li><svg class="bars-key bars" viewBox="0 0 8 8" aria-hidden="true"><rect class="${kind}" width="8" height="8" rx="2"/></svg>${words}</li>`)}</ul>
`;
}

function bar(day: DayFigures, place: number): Html {
  const kind = kindOf(day);
  const told = kind === 'unknown' ? 'not measured' : `${day.uptime_percentage} % up, ${span(day.downtime_seconds)} down${day.planned_downtime_seconds > 0 ? `, ${span(day.planned_downtime_seconds)} planned` : ''}`;
  return html`<rect class="${kind}" x="${place * BAR_STEP}" width="${BAR_WIDTH}" height="${BAR_HEIGHT}" rx="0.8"><title>${day.day}: ${told}</title></rect>`;
}

function kindOf(day: DayFigures): 'up' | 'short' | 'long' | 'planned' | 'unknown' {
  if (day.measured_seconds === 0) return 'unknown';
  if (day.downtime_seconds > 0) return day.downtime_seconds >= LONG_SECONDS ? 'long' : 'short';
  return day.planned_downtime_seconds > 0 ? 'planned' : 'up';
}

function figures({ last_day: day }: StatusFacts): Html {
  const told: readonly [string, string][] = [
    ['Uptime', day.measured_seconds === 0 ? 'not yet' : `${day.uptime_percentage} %`],
    ['Response p50', milliseconds(day.p50_response_time_ms)],
    ['Response p95', milliseconds(day.p95_response_time_ms)],
    ['Response p99', milliseconds(day.p99_response_time_ms)],
    ['Requests', day.total_requests.toLocaleString('en-US')],
    ['Failed', `${(day.error_rate * 100).toFixed(2)} %`],
  ];
  return html`<ul class="figures">${told.map(([what, value]) => html`<li><b>${value}</b><span class="soft">${what}</span></li>`)}</ul>`;
}

function milliseconds(value: number): string {
  if (value === 0) return 'none';
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

function incidentCard(incident: Incident, nowMs: number): Html {
  const { title, status, impact, fromMs, toMs, regions, note } = incident;
  const isOver = status === 'resolved' || (toMs !== null && toMs <= nowMs);
  const tone = isOver ? 'ok' : IMPACT[impact];
  const when = toMs === null ? `since ${time(fromMs)}` : `${time(fromMs)} to ${time(toMs)}`;
  return html`<article class="card incident ${tone}"><div class="row"><h3>${title}</h3><span class="pill ${tone}">${status}</span></div>
<p class="soft">${impact === 'maintenance' ? 'Maintenance' : `Impact: ${impact}`}, ${when}${regions.length === 0 ? '' : `, ${regions.join(', ')}`}</p>
<div class="body">${renderMarkdown(note)}</div></article>
`;
}

function time(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 16);
}
