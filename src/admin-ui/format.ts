// Numbers, sizes and times for people. What is not known is a dash, never a zero.

export const UNKNOWN = '–';
const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const integer = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : integer.format(value);
}

/** With as many digits as a glance takes in. */
export function rate(value: number): string {
  if (value === 0) return '0';
  return value < 10 ? value.toFixed(1) : integer.format(value);
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  const power = Math.min(SIZE_UNITS.length - 1, value < 1 ? 0 : Math.floor(Math.log2(value) / 10));
  const scaled = value / 1024 ** power;
  return `${power === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${SIZE_UNITS[power]}`;
}

/** The two largest units. */
export function duration(ms: number): string {
  const units = [
    [Math.floor(ms / DAY_MS), 'd'],
    [Math.floor((ms % DAY_MS) / HOUR_MS), 'h'],
    [Math.floor((ms % HOUR_MS) / MINUTE_MS), 'min'],
    [Math.floor((ms % MINUTE_MS) / SECOND_MS), 's'],
  ] as const;
  const first = units.findIndex(([value]) => value > 0);
  if (first === -1) return '0 s';
  const shown = units.slice(first, first + 2).filter(([value]) => value > 0);
  return shown.map(([value, unit]) => `${value} ${unit}`).join(' ');
}

export function ago(ms: number | null | undefined, nowMs: number = Date.now()): string {
  if (ms === null || ms === undefined) return UNKNOWN;
  const since = nowMs - ms;
  if (since < MINUTE_MS) return 'just now';
  return `${duration(since).split(' ').slice(0, 2).join(' ')} ago`;
}

export function moment(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 19);
}

export function plural(value: number, one: string, many: string = `${one}s`): string {
  return `${integer.format(value)} ${value === 1 ? one : many}`;
}
