// A log line as the process log writes it, read back for sinks that have a format of their own.

export interface LogLine {
  readonly level: number;
  readonly time: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Null for what is not a line of the process log. */
export function parseLine(text: string): LogLine | null {
  const { level, time, msg, ...fields }: Record<string, unknown> = JSON.parse(text);
  if (typeof level !== 'number' || typeof time !== 'string') return null;
  return { level, time, message: typeof msg === 'string' ? msg : '', fields };
}

/** `key=value` for each field; texts that are not one plain word are quoted. */
export function fieldsText(fields: LogLine['fields']): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${typeof value === 'string' && /^[\w./:@#?=-]+$/.test(value) ? value : JSON.stringify(value)}`)
    .join(' ');
}
