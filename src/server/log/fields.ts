// What a log line may hold beside its message: the fields named here, and of each a short, plain value. Everything else is left
// out and counted, so that a secret that somebody passes along by mistake has no way into any sink.

/** Every field there is. A new one belongs here first. */
export const LOG_FIELDS = [
  // What happened.
  'code',
  'level',
  'outcome',
  'action',
  'actor',
  'subject',
  'phase',
  'reason',
  'count',
  'bytes',
  'durationMs',
  'waitedMs',
  'attempt',
  // Requests of the control plane.
  'reqId',
  'route',
  'method',
  'status',
  'traceId',
  // Errors, as `errorFields` writes them.
  'err',
  // The banner's facts.
  'version',
  'relayAddress',
  'dataDir',
  'configFile',
  'metricsUrl',
  'demoUrl',
  'adminUrl',
  'adminHint',
  'foreign',
  'redirectPort',
  'auditHead',
  'alert',
  'target',
  'isOpen',
  'isBehindProxy',
  'durability',
  'tls',
  'url',
  'host',
  'port',
  'file',
  'option',
  // Reloads.
  'applied',
  'needRestart',
] as const;

export type LogField = (typeof LOG_FIELDS)[number];
type LogValue = string | number | boolean | null | undefined;
/** For callers who want the compiler to say what would be left out. */
export type LogFields = { readonly [K in Exclude<LogField, 'err'>]?: LogValue | readonly string[] } & { readonly err?: unknown };

/** Longest text of a value, in characters; what is longer is cut. */
export const LOG_VALUE_CHARS_MAX = 1024;
/** Most texts of a list. */
const LOG_LIST_MAX = 64;
const STACK_CHARS_MAX = 4096;

const ALLOWED: ReadonlySet<string> = new Set(LOG_FIELDS);

/** The fields that may be logged; `omitted` says how many were left out. */
export function allowedFields(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  let omitted = 0;
  for (const [name, value] of Object.entries(given)) {
    const plain = ALLOWED.has(name) ? (name === 'err' ? errorFields(value) : plainValue(value)) : undefined;
    if (plain === undefined) omitted += value === undefined ? 0 : 1;
    else kept[name] = plain;
  }
  return omitted === 0 ? kept : { ...kept, omitted };
}

/** What of an error is logged: its kind, its code and where it came from; never its other properties. */
function errorFields(error: unknown): Record<string, string> | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? { code: cut(error.code) } : {};
  return { type: cut(error.name), ...code, message: cut(error.message), stack: (error.stack ?? '').slice(0, STACK_CHARS_MAX) };
}

function plainValue(value: unknown): LogValue | readonly string[] {
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (!Array.isArray(value)) return undefined;
  const texts: readonly unknown[] = value;
  return texts.filter((item) => typeof item === 'string').slice(0, LOG_LIST_MAX).map(cut);
}

function cut(text: string): string {
  return text.length > LOG_VALUE_CHARS_MAX ? `${text.slice(0, LOG_VALUE_CHARS_MAX)}…` : text;
}
