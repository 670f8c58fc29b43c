// What every part of the control plane may say to the audit log: who did what to what, and how it ended.
import type { AuditAction } from './audit-actions.js';

/** One administrative act or event of the relay's life. Never holds an id, a key, a token or an address in clear. */
export interface AuditEntry {
  /** Stable name, `subject.verb`. */
  readonly action: AuditAction;
  /** Who acted: `operator` (this machine, or who has the token), `admin` (a signed-in session, with its pseudonym), `owner`, `relay` (by itself). */
  readonly actor: string;
  /** Pseudonym of what it was done to, or null. */
  readonly subject: string | null;
  readonly outcome: 'done' | 'refused' | 'failed';
  /** Further facts: short, bounded, no ids. */
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
}

/** Takes entries; a resolved promise means that the entry is on disk. */
export interface AuditSink {
  record(entry: AuditEntry): Promise<void>;
}
