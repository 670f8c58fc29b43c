// Foundings that no token admitted are told by their number, once an hour: the log must not be filled by strangers.
import type { RelayStats } from '../../native/relay-port.js';
import type { AuditSink } from './audit-sink.js';

const PERIOD_MS = 3_600_000;

type Figures = Pick<RelayStats, 'spaces' | 'spacesErasedTotal'>;

/** Counts from its first look on; asked as often as one likes. */
export class FoundingCount {
  #ever: number | null = null;
  #toldMs = 0;

  look(figures: Figures | null, nowMs: number, sink: AuditSink, { isLast = false }: { readonly isLast?: boolean } = {}): void {
    if (figures === null) return;
    // What was erased had been founded.
    const ever = figures.spaces + figures.spacesErasedTotal;
    if (this.#ever === null) {
      [this.#ever, this.#toldMs] = [ever, nowMs];
      return;
    }
    if (!isLast && nowMs - this.#toldMs < PERIOD_MS) return;
    const spaces = ever - this.#ever;
    [this.#ever, this.#toldMs] = [ever, nowMs];
    // What the log cannot take, it reports itself.
    if (spaces > 0) void sink.record({ action: 'spaces.founded', actor: 'relay', subject: null, outcome: 'done', detail: { spaces } }).catch(() => undefined);
  }
}
