// An audit log that is the process log.
import type { Logger } from 'pino';
import type { AuditSink } from './audit-sink.js';

export function logAudit(logger: Logger): AuditSink {
  return {
    record: async (entry) => logger.info({ audit: entry }, `${entry.action}: ${entry.outcome}`),
  };
}
