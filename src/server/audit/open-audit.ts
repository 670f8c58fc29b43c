// The audit log in the life of a relay: opened behind the store, whose lock keeps others away, and closed after it.
import type { Logger } from 'pino';
import { VERSION } from '../../version.js';
import type { Closers } from '../closers.js';
import type { AuditAction } from './audit-actions.js';
import { auditDirOf } from './audit-files.js';
import { AuditLog } from './audit-log.js';
import { takeNotes } from './audit-notes.js';
import type { AuditSink } from './audit-sink.js';

/** How often notes of commands are looked for. */
const NOTES_PERIOD_MS = 1000;
/** After a note that could not be written down: a full disk is not told of every second. */
const NOTES_PAUSE_MS = 60_000;

/** The log in a data directory; it writes nothing before it is opened. */
export function auditLogIn(dataDir: string, logger: Logger): AuditLog {
  return new AuditLog(auditDirOf(dataDir), {
    clock: () => Date.now(),
    onFailure: (error) => logger.error({ code: 'audit_failed', err: error }, 'the audit log could not be written; what is lost is counted in its next line'),
  });
}

export interface RelayAudit {
  readonly sink: AuditSink;
  /** Directory of the log, or null where none is kept. */
  readonly dir: string | null;
  /** `seq:hash` of the newest line, or null. */
  readonly head: () => string | null;
  /** Opens the log and says that the relay started; for when the store is open. */
  readonly open: () => Promise<void>;
}

const NOWHERE: RelayAudit = { sink: { record: () => Promise.resolve() }, dir: null, head: () => null, open: () => Promise.resolve() };

/** Registers the end of the log; what is closed later is opened earlier. */
export function prepareAudit(log: AuditLog | null, closers: Closers): RelayAudit {
  if (log === null) return NOWHERE;
  let isOpen = false;
  // What cannot be written is reported by the log itself, and is no reason not to start or stop.
  const life = (action: AuditAction): Promise<void> => log.record({ action, actor: 'relay', subject: null, outcome: 'done', detail: { version: VERSION } }).catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  let taking: Promise<void> = Promise.resolve();
  let pausedUntilMs = -Infinity;
  // One taking after the other, so that no note is told twice; one that fails stays for the next.
  const notes = (): Promise<void> => (taking = taking.then(() => takeNotes(log.dir, log)).catch(() => void (pausedUntilMs = performance.now() + NOTES_PAUSE_MS)));
  closers.add(async () => {
    if (!isOpen) return;
    clearInterval(timer);
    await notes();
    await life('relay.stopped');
    await log.close();
  });
  return {
    sink: log,
    dir: log.dir,
    head: () => (log.end === null ? null : `${log.end.seq}:${log.end.hash}`),
    open: async () => {
      await log.open({ ofRelay: true });
      isOpen = true;
      await notes();
      timer = setInterval(() => void (performance.now() >= pausedUntilMs && notes()), NOTES_PERIOD_MS);
      timer.unref();
      await life('relay.started');
    },
  };
}
