// What was written down: the log of the process, and the audit log.
import { ApiError, get } from '../api.js';
import { h, replace } from '../dom.js';
import { moment } from '../format.js';
import type { LogLines } from '../model.js';
import { repeat, type PageEntry } from '../page.js';
import { empty, heading, pseudonym, prose, table, trouble, type Column } from '../parts.js';

const PERIOD_MS = 2000;
const LINES_MAX = 500;
const LEVELS: Readonly<Record<number, string>> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

export const logsPage: PageEntry = {
  name: 'logs',
  title: 'Log',
  show: async ({ place, signal }) => {
    const list = h('ol', { class: 'log', tabindex: '0', 'aria-label': 'Lines of the log, newest first' });
    const body = h('div');
    replace(place, heading('Log', 'The last lines of this process, the newest first. No id of a space or device, no address of a client and no secret is in them.'), body);
    let seen = 0;
    await repeat(PERIOD_MS, signal, async () => {
      try {
        const { kept, lines } = await get<LogLines>(`logs?after=${seen}`, signal);
        seen = lines.at(-1)?.number ?? seen;
        for (const { text } of lines) list.prepend(logLine(text));
        while (list.childElementCount > LINES_MAX) list.lastElementChild?.remove();
        const none = kept ? empty('No lines yet', 'What the relay logs from now on stands here.') : empty('The log is elsewhere', 'A program runs this relay and gave it a logger of its own.');
        if (list.childElementCount === 0) replace(body, none);
        else if (!list.isConnected) replace(body, list);
      } catch (error) {
        if (!signal.aborted) replace(body, trouble(error));
      }
    });
  },
};

function logLine(text: string): HTMLElement {
  const { level, time, msg, ...rest } = parse(text);
  const name = typeof level === 'number' ? (LEVELS[level] ?? String(level)) : 'info';
  const more = Object.entries(rest).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return h(
    'li',
    { class: `level-${name}` },
    h('span', { class: 'log-time' }, typeof time === 'string' ? time.slice(11, 19) : ''),
    h('span', { class: 'log-level' }, name),
    h('span', { class: 'log-text' }, typeof msg === 'string' ? msg : text, more.length === 0 ? null : h('span', { class: 'log-more' }, ` ${more.join(' ')}`)),
  );
}

function parse(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return { msg: text };
  }
}

interface AuditRow {
  readonly action: string;
  readonly actor: string;
  readonly subject: string | null;
  readonly outcome: string;
  /** Further facts, as `name value`. */
  readonly detail: string;
  readonly atMs: number | null;
}

const AUDIT: readonly Column<AuditRow>[] = [
  { title: 'When', cell: (row) => (row.atMs === null ? '–' : `${moment(row.atMs)} UTC`) },
  { title: 'What', cell: (row) => h('code', {}, row.action) },
  { title: 'Who', cell: (row) => row.actor },
  { title: 'Of', cell: (row) => (row.subject === null ? '–' : pseudonym(row.subject)) },
  { title: 'Outcome', cell: (row) => row.outcome },
  { title: 'More', cell: (row) => (row.detail === '' ? '–' : h('span', { class: 'long' }, row.detail)) },
];

export const auditPage: PageEntry = {
  name: 'audit',
  title: 'Audit',
  show: async ({ place, signal }) => {
    const body = h('div');
    replace(place, heading('Audit', prose('Who did what to what, and when; `relay audit verify` shows that nobody changed it.')), body);
    try {
      const rows = auditRows(await get<unknown>('audit', signal));
      replace(body, rows.length === 0 ? empty('Nothing was done yet', 'Acts of administration stand here, the newest first.') : table('Acts', AUDIT, rows));
    } catch (error) {
      if (signal.aborted) return;
      const isAbsent = error instanceof ApiError && error.status === 404;
      replace(body, isAbsent ? empty('No audit log here', 'This relay keeps none; acts of administration may stand in its process log, on the page Log.') : trouble(error));
    }
  },
};

function factsOf(detail: unknown): string {
  return Object.entries(Object(detail) as Record<string, unknown>)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

/** Rows of an answer with a list of entries, whatever else it says. */
function auditRows(answer: unknown): AuditRow[] {
  const { entries } = Object(answer) as { entries?: unknown };
  if (!Array.isArray(entries)) return [];
  const rows = entries.map((entry: unknown) => {
    const { action, actor, subject, outcome, detail, atMs, time } = Object(entry) as Record<string, unknown>;
    const parsed = typeof atMs === 'number' ? atMs : typeof time === 'string' ? Date.parse(time) : Number.NaN;
    return { action: String(action), actor: String(actor), subject: typeof subject === 'string' ? subject : null, outcome: String(outcome), detail: factsOf(detail), atMs: Number.isFinite(parsed) ? parsed : null };
  });
  return rows.toSorted((a, b) => (b.atMs ?? 0) - (a.atMs ?? 0));
}
