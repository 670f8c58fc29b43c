// An operator's erasure goes into the audit log, also one that failed: whose act it was, of what, and what it came to.
import type { AuditEntry, AuditSink } from '../audit/audit-sink.js';

/** Erases and records it; an error of the erasure is thrown once that is recorded. */
export async function recordedErasure(audit: AuditSink, act: Pick<AuditEntry, 'action' | 'actor' | 'subject'>, erase: () => Promise<void>): Promise<void> {
  try {
    await erase();
  } catch (error) {
    await audit.record({ ...act, outcome: 'failed' });
    throw error;
  }
  await audit.record({ ...act, outcome: 'done' });
}
