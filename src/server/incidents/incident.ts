// An incident as its file holds it: a head of `key: value` lines between two lines of dashes, then a note in Markdown.

export const IMPACTS = ['none', 'minor', 'major', 'critical', 'maintenance'] as const;
export const STATUSES = ['investigating', 'identified', 'monitoring', 'resolved', 'scheduled'] as const;
export type Impact = (typeof IMPACTS)[number];
export type IncidentStatus = (typeof STATUSES)[number];

export const TITLE_CHARS_MAX = 200;
export const NOTE_CHARS_MAX = 20_000;

export interface IncidentDraft {
  readonly title: string;
  readonly impact: Impact;
  readonly status: IncidentStatus;
  /** Milliseconds since the Unix epoch. */
  readonly fromMs: number;
  /** Null while it goes on. */
  readonly toMs: number | null;
  /** Ids of the regions it concerns; none: all. */
  readonly regions: readonly string[];
  /** Markdown. */
  readonly note: string;
}

export interface Incident extends IncidentDraft {
  /** Lower-case letters, digits and hyphens; the name of its file without its ending. */
  readonly id: string;
}

export function isIncidentId(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,79}$/.test(text);
}

/** The day it began and the words of its title. */
export function incidentIdOf({ title, fromMs }: Pick<IncidentDraft, 'title' | 'fromMs'>): string {
  const words = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').slice(0, 48).replaceAll(/^-+|-+$/g, '');
  return `${new Date(fromMs).toISOString().slice(0, 10)}-${words === '' ? 'incident' : words}`;
}

export function isOpen(incident: Incident, nowMs: number): boolean {
  return incident.status !== 'resolved' && (incident.toMs === null || incident.toMs > nowMs) && incident.fromMs <= nowMs;
}

export function encodeIncident(incident: IncidentDraft): string {
  const { title, impact, status, fromMs, toMs, regions, note } = incident;
  const head = [`title: ${title}`, `impact: ${impact}`, `status: ${status}`, `from: ${new Date(fromMs).toISOString()}`];
  if (toMs !== null) head.push(`to: ${new Date(toMs).toISOString()}`);
  if (regions.length > 0) head.push(`regions: ${regions.join(', ')}`);
  return `---\n${head.join('\n')}\n---\n\n${note.trim()}\n`;
}

/** Null when the text is no incident. */
export function decodeIncident(id: string, text: string): Incident | null {
  const [, head = '', note = ''] = /^---\r?\n([\s\S]*?)\r?\n---\r?\n?([\s\S]*)$/.exec(text) ?? [];
  const fields = new Map(head.split(/\r?\n/).map((line): [string, string] => [line.slice(0, Math.max(0, line.indexOf(':'))).trim(), line.slice(line.indexOf(':') + 1).trim()]));
  const title = fields.get('title') ?? '';
  const impact = IMPACTS.find((each) => each === (fields.get('impact') ?? 'minor'));
  const status = STATUSES.find((each) => each === (fields.get('status') ?? 'investigating'));
  const fromMs = Date.parse(fields.get('from') ?? '');
  const toText = fields.get('to') ?? '';
  const toMs = toText === '' ? null : Date.parse(toText);
  if (title === '' || impact === undefined || status === undefined || Number.isNaN(fromMs) || Number.isNaN(toMs ?? 0)) return null;
  const regions = (fields.get('regions') ?? '').split(',').map((region) => region.trim()).filter((region) => /^[a-z0-9-]{1,64}$/.test(region));
  return { id, title: title.slice(0, TITLE_CHARS_MAX), impact, status, fromMs, toMs, regions, note: note.trim().slice(0, NOTE_CHARS_MAX) };
}
