// Where the process log goes: one stream, opened from the configuration, reopened when logrotate moved its file.
import pino, { type DestinationStream } from 'pino';
import type { LogTarget } from '../../config/destinations.js';
import { RelayError } from '../../errors.js';
import { overTcp, overUdp, overUnixSocket, syslogMessage, syslogSource, type SyslogTransport } from './syslog.js';
import { textLine } from './text.js';

const STDOUT_FD = 1;
const STDERR_FD = 2;

export interface LogSink extends DestinationStream {
  /** Opens a file anew under its name; nothing for other sinks. */
  reopen(): void;
  /** Resolves once what was written has left, as far as it can. */
  close(): Promise<void>;
}

export interface SinkDeps {
  readonly target: LogTarget;
  readonly format: 'auto' | 'json' | 'text';
  /** Whether a person watches: then stdout belongs to the banner. */
  readonly isTerminal: boolean;
  readonly colors: boolean;
  readonly sendDatagram: (path: string, payload: Buffer) => boolean;
}

export function openSink(deps: SinkDeps): LogSink {
  const { target, isTerminal } = deps;
  switch (target.kind) {
    case 'stdout':
      return formatted(pino.destination({ fd: isTerminal ? STDERR_FD : STDOUT_FD, sync: true }), deps);
    case 'stderr':
      return formatted(pino.destination({ fd: STDERR_FD, sync: true }), deps);
    case 'file':
      return fileSink(target.path, deps);
    case 'syslog-unix':
      return syslogSink(overUnixSocket(target.path, deps.sendDatagram));
    case 'syslog-udp':
      return syslogSink(overUdp(target.host, target.port));
    case 'syslog-tcp':
      return syslogSink(overTcp(target.host, target.port));
  }
}

function isText({ format, isTerminal, target }: SinkDeps): boolean {
  return format === 'text' || (format === 'auto' && isTerminal && (target.kind === 'stdout' || target.kind === 'stderr'));
}

function formatted(stream: DestinationStream, deps: SinkDeps): LogSink {
  const write = isText(deps) ? (line: string) => stream.write(textLine(line, deps.colors)) : (line: string) => stream.write(line);
  return { write, reopen: () => undefined, close: async () => undefined };
}

/** Lines for people in a file have no colours. */
function fileSink(path: string, deps: SinkDeps): LogSink {
  let stream: ReturnType<typeof pino.destination>;
  try {
    stream = pino.destination({ dest: path, mkdir: true, sync: true, append: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RelayError('log_unusable', `cannot write the log to ${path}: ${why}`, { hint: 'Choose a file that this user may write with --log.to.', cause });
  }
  const inner = formatted(stream, { ...deps, colors: false });
  return {
    write: inner.write,
    reopen: () => stream.reopen(),
    close: async () => stream.flushSync(),
  };
}

function syslogSink(transport: SyslogTransport): LogSink {
  const source = syslogSource();
  return {
    write(line) {
      const message = syslogMessage(line, source);
      if (message !== null) transport.send(message);
    },
    reopen: () => undefined,
    close: () => transport.close(),
  };
}
