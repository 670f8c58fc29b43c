// When the relay did not do its work, and why.

export const OUTAGE_REASONS = ['planned', 'crash', 'store_poisoned', 'disk_full'] as const;
/** `planned`: it was stopped in order, until it was back; `crash`: it went without a word. */
export type OutageReason = (typeof OUTAGE_REASONS)[number];

export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: OutageReason;
}

/** What a reason is for the people of the relay. */
export const OUTAGE_WORDS = {
  planned: 'Planned stop',
  crash: 'The relay went away without being stopped',
  store_poisoned: 'The store could not be written',
  disk_full: 'The disk was full',
} as const satisfies Record<OutageReason, string>;
