// An audit sink that only logs.
import type { Logger } from 'pino';
import type { AuditSink } from './audit-sink.js';

export function loggingAudit(logger: Logger): AuditSink {
  return {
    record: async (entry) => logger.info({ audit: entry }, `audit: ${entry.action}`),
  };
}
