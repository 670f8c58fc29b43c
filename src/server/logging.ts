// The process log: pino to one stream, no worker transports. What a line may hold is in log/fields.ts.
import pino, { type Logger } from 'pino';
import type { Config } from '../config/options.js';
import type { RelayEvent } from '../native/relay-port.js';
import { allowedFields, type LogFields } from './log/fields.js';

export function buildLogger(level: Config['log.level'], stream: pino.DestinationStream): Logger {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // The fields decide about errors themselves; pino's own serializer would copy every property.
      serializers: { err: (error: unknown) => error },
      formatters: { log: allowedFields },
    },
    stream,
  );
  // Pino formats the fields of a line, but not those that a child keeps; children inherit this.
  const { child } = logger;
  logger.child = function (this: Logger, bindings: object, options?: object) {
    return child.call(this, allowedFields({ ...bindings }), options);
  } as typeof child;
  return logger;
}

/** Writes a batch of the core's events into the process log. */
export function logEvents(logger: Logger, events: readonly RelayEvent[]): void {
  for (const { level, code, message } of events) {
    const write = level === 'error' ? logger.error : level === 'warn' ? logger.warn : logger.info;
    write.call(logger, { code } satisfies LogFields, message);
  }
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
