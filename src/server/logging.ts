// The process log: pino to one stream, no worker transports. Secrets are cut out by name, in case a field slips in.
import pino, { type Logger } from 'pino';
import type { Config } from '../config/options.js';
import type { RelayEvent } from '../native/relay-port.js';
import type { AuditSink } from './audit/audit-sink.js';

const REDACTED = ['secret', 'token', 'authorization', 'cookie', 'payload', 'sealed', 'link'].flatMap((name) => [name, `*.${name}`]);

export function buildLogger(level: Config['log.level'], stream: pino.DestinationStream): Logger {
  return pino({ level, base: null, redact: { paths: REDACTED, censor: '[redacted]' }, timestamp: pino.stdTimeFunctions.isoTime }, stream);
}

/** Writes a batch of the core's events into the process log. */
export function logEvents(logger: Logger, events: readonly RelayEvent[]): void {
  for (const { level, code, message } of events) {
    const write = level === 'error' ? logger.error : level === 'warn' ? logger.warn : logger.info;
    write.call(logger, { code }, message);
  }
}

/** Administrative acts as lines of the log. */
export function auditToLog(logger: Logger): AuditSink {
  return {
    record: async (entry) => {
      logger.info({ audit: entry }, entry.action);
    },
  };
}

/** For the Fastify apps: their own chatter below `warn` is left out. */
export function appLogger(logger: Logger): Logger {
  return logger.child({}, { level: appLevel(logger) });
}

/** Changes the level of the log and of the apps' part of it while they run. */
export function setLogLevel(logger: Logger, apps: Logger, level: Config['log.level']): void {
  logger.level = level;
  apps.level = appLevel(logger);
}

function appLevel(logger: Logger): string {
  return logger.isLevelEnabled('warn') ? 'warn' : logger.level;
}
