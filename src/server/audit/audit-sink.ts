// What every part of the control plane may say to the audit log: who did what to what, and how it ended.

/** One administrative act or event of the relay's life. Never holds an id, a key, a token or an address in clear. */
export interface AuditEntry {
  /** Stable name, `subject.verb`: `relay.started`, `space.erased`, `config.reloaded`, `token.created`. */
  readonly action: string;
  /** Who acted: `operator` (this machine), `admin` (a signed-in session, with its pseudonym), `relay` (by itself). */
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
