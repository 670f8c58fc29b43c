// Where the process log goes: one stream, opened from the configuration, reopened when logrotate moved its file.
import type { DestinationStream } from 'pino';
import type { LogTarget } from '../../config/destinations.js';
import { RelayError } from '../../errors.js';
import { LineWriter } from './line-writer.js';
import { overTcp, overUdp, overUnixSocket, syslogMessage, syslogSource, type SyslogTransport } from './syslog.js';
import { textLine } from './text.js';

const STDOUT_FD = 1;
const STDERR_FD = 2;
const WARN = 40;

export interface LogSink extends DestinationStream {
  /** Opens a file anew under its name; where that cannot be, the old one is written on, and a line says so. Nothing for other sinks. */
  reopen(): void;
  /** Lines that are missing because their place took none. */
  lost(): number;
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
      return writing(isTerminal ? STDERR_FD : STDOUT_FD, deps);
    case 'stderr':
      return writing(STDERR_FD, deps);
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

function writing(place: number | string, deps: SinkDeps): LogSink {
  const format = isText(deps) ? (line: string) => textLine(line, deps.colors) : (line: string) => line;
  const missing = (lines: number): string => format(ownLine('log_lines_lost', `${lines} lines are missing here: the log could not be written for a while`));
  const writer = new LineWriter({ place, missing });
  return {
    write: (line) => writer.write(format(line)),
    reopen() {
      try {
        writer.reopen();
      } catch (error) {
        writer.write(format(ownLine('log_not_reopened', `the file of the log cannot be opened anew, the old one is written on: ${wordsOf(error)}`)));
      }
    },
    lost: () => writer.lost(),
    close: () => writer.close(),
  };
}

/** A line that the sink itself has to say; the logger above it does not know. */
function ownLine(code: string, msg: string): string {
  return `${JSON.stringify({ level: WARN, time: new Date().toISOString(), code, msg })}\n`;
}

/** Lines for people in a file have no colours. */
function fileSink(path: string, deps: SinkDeps): LogSink {
  try {
    return writing(path, { ...deps, colors: false });
  } catch (cause) {
    throw new RelayError('log_unusable', `cannot write the log to ${path}: ${wordsOf(cause)}`, { hint: 'Choose a file that this user may write with --log.to.', cause });
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function syslogSink(transport: SyslogTransport): LogSink {
  const source = syslogSource();
  return {
    write(line) {
      const message = syslogMessage(line, source);
      if (message !== null) transport.send(message);
    },
    reopen: () => undefined,
    lost: () => transport.dropped(),
    close: () => transport.close(),
  };
}
