// The state of every alert. Bounded: one for each rule, and one for each region.
import { OK, step, type AlertEvent, type AlertState } from './alert-machine.js';
import { RULES, type RuleName, type Severity, type Watched } from './alert-rules.js';

/** Regions of a configuration and the rules together are fewer. */
const ALERTS_MAX = 128;

export interface Alert {
  /** `rule`, or `rule:subject`. */
  readonly key: string;
  readonly rule: RuleName;
  readonly subject: string | null;
  readonly severity: Severity;
  readonly state: AlertState;
  readonly summary: string;
}

export interface Told {
  readonly event: AlertEvent;
  readonly alert: Alert;
  readonly atMs: number;
}

export class AlertBook {
  #alerts = new Map<string, Alert>();

  get all(): readonly Alert[] {
    return [...this.#alerts.values()];
  }

  /** Takes over what was found, and says what has to be told. */
  look(found: readonly Watched[], nowMs: number): Told[] {
    const told: Told[] = [];
    const next = new Map<string, Alert>();
    for (const { rule, subject, severity, waits, look, summary } of found.slice(0, ALERTS_MAX)) {
      const key = subject === null ? rule : `${rule}:${subject}`;
      const before = this.#alerts.get(key)?.state ?? OK;
      const { state, event } = step(before, look, nowMs, waits);
      const alert = { key, rule, subject, severity, state, summary };
      next.set(key, alert);
      if (event !== null) told.push({ event, alert, atMs: nowMs });
    }
    // What is watched no more (a region was taken out of the configuration) is over.
    for (const [key, gone] of this.#alerts) {
      if (!next.has(key) && gone.state.phase === 'firing') told.push({ event: 'resolved', alert: { ...gone, state: OK, summary: `${key} is no longer watched` }, atMs: nowMs });
    }
    this.#alerts = next;
    return told;
  }

  /** The alerts that are firing, as text to keep. */
  encode(): string {
    const firing = this.all.flatMap(({ key, rule, subject, severity, state, summary }) => (state.phase === 'firing' ? [{ key, rule, subject, severity, sinceMs: state.sinceMs, summary }] : []));
    return JSON.stringify(firing);
  }

  /** Goes on with what fired before a restart, so that its end is told too. Text that cannot be read is nothing. */
  restore(text: string): void {
    for (const item of parseList(text).slice(0, ALERTS_MAX)) {
      if (typeof item !== 'object' || item === null) continue;
      const { key, rule, subject, severity, sinceMs, summary } = item as Record<string, unknown>;
      const known = RULES.find((each) => each === rule);
      if (known === undefined || typeof key !== 'string' || typeof sinceMs !== 'number' || typeof summary !== 'string') continue;
      this.#alerts.set(key, {
        key,
        rule: known,
        subject: typeof subject === 'string' ? subject : null,
        severity: severity === 'warning' ? 'warning' : 'critical',
        state: { phase: 'firing', sinceMs, clearSinceMs: null },
        summary,
      });
    }
  }
}

function parseList(text: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}
