// A report for people: Markdown to file away, HTML to look at or print.
import { html, type Html } from '../html/html.js';
import { page } from '../html/page.js';
import type { SlaReport } from './sla-report.js';

export function reportMarkdown(report: SlaReport): string {
  const { month, days, outages, incidents } = report;
  const facts = factsOf(report).map(([what, value]) => `| ${what} | ${value} |`);
  const list = (title: string, rows: readonly string[], none: string): string => `## ${title}\n\n${rows.length === 0 ? none : rows.join('\n')}\n`;
  return [
    `# Service level ${month}`,
    '',
    verdictOf(report),
    '',
    '| | |',
    '|---|---|',
    ...facts,
    '',
    list('Outages', outages.map(({ from, to, seconds, description }) => `- ${from} to ${to} (${span(seconds)}): ${description}`), 'None.'),
    list('Incidents', incidents.map(({ from, to, title, impact, status }) => `- ${from} to ${to ?? 'now'}: ${escapeMarkdown(title)} (${impact}, ${status})`), 'None.'),
    '## Days',
    '',
    '| day | uptime | down | planned |',
    '|---|---|---|---|',
    ...days.map((day) => `| ${day.day} | ${uptimeOf(day)} | ${span(day.downtime_seconds)} | ${span(day.planned_downtime_seconds)} |`),
    '',
  ].join('\n');
}

export function reportHtml(report: SlaReport): string {
  const { month, days, outages, incidents } = report;
  const rows = (cells: readonly (string | number)[][]): Html[] => cells.map((row) => html`<tr>${row.map((cell, place) => (place === 0 ? html`<th scope="row">${cell}</th>` : html`<td>${cell}</td>`))}</tr>`);
  return page({
    title: `Service level ${month}`,
    body: html`<h1>Service level ${month}</h1>
<p><strong>${verdictOf(report)}</strong></p>
<section class="card"><table>${rows(factsOf(report))}</table></section>
<h2>Outages</h2>
<section class="card">${outages.length === 0 ? html`<p>None.</p>` : html`<table>${rows(outages.map(({ from, seconds, description }) => [from, span(seconds), description]))}</table>`}</section>
<h2>Incidents</h2>
<section class="card">${incidents.length === 0 ? html`<p>None.</p>` : html`<table>${rows(incidents.map(({ from, title, impact, status }) => [from, title, `${impact}, ${status}`]))}</table>`}</section>
<h2>Days</h2>
<section class="card"><table><thead><tr><th scope="col">Day</th><th scope="col">Uptime</th><th scope="col">Down</th><th scope="col">Planned</th></tr></thead><tbody>${rows(
      days.map((day) => [day.day, uptimeOf(day), span(day.downtime_seconds), span(day.planned_downtime_seconds)]),
    )}</tbody></table></section>`,
  });
}

/** Of a month that was measured in part, or not at all, no more is said than is known. */
function verdictOf({ summary, complete }: SlaReport): string {
  if (summary.measured_seconds === 0) return 'Nothing was measured in this month.';
  return `The target of ${summary.target_uptime_percentage} % was ${summary.target_met ? 'kept' : 'missed'}${complete ? '' : ' in what was measured'}.`;
}

function factsOf({ summary, credit_percentage: credit, complete }: SlaReport): [string, string][] {
  return [
    ['Uptime', uptimeOf(summary)],
    ['Uptime, planned stops counted as down', uptimeOf({ ...summary, uptime_percentage: summary.uptime_including_planned_percentage })],
    ['Down', span(summary.downtime_seconds)],
    ['Down as planned', span(summary.planned_downtime_seconds)],
    ['Requests', `${summary.total_requests}, of which ${summary.failed_requests} failed`],
    ['Response time', `p50 ${summary.p50_response_time_ms} ms, p95 ${summary.p95_response_time_ms} ms, p99 ${summary.p99_response_time_ms} ms`],
    ['Credit', `${credit} %`],
    ['Measured', `${span(summary.measured_seconds)}${complete ? '' : ', not the whole month'}`],
  ];
}

function uptimeOf(day: { readonly uptime_percentage: number; readonly measured_seconds: number }): string {
  return day.measured_seconds === 0 ? 'not measured' : `${day.uptime_percentage} %`;
}

/** `2 h 5 min 3 s` */
export function span(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const told = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`);
  return told.length === 0 ? '0 s' : told.join(' ');
}

function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]<>#|]/g, String.raw`\$&`);
}
