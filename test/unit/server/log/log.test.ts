// What may be logged, and how every sink writes it.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogTarget } from '../../../../src/config/destinations.js';
import { allowedFields, LOG_VALUE_CHARS_MAX } from '../../../../src/server/log/fields.js';
import { openSink, type LogSink } from '../../../../src/server/log/sink.js';
import { SYSLOG_BYTES_MAX, syslogMessage } from '../../../../src/server/log/syslog.js';
import { textLine } from '../../../../src/server/log/text.js';
import { buildLogger } from '../../../../src/server/logging.js';

const CANARY = 'canary-7f3a';
const FROM = { host: 'box', pid: 7 };

function line(fields: Record<string, unknown>, message = 'something happened'): string {
  const lines: string[] = [];
  buildLogger('trace', { write: (text) => void lines.push(text) }).warn(fields, message);
  return lines[0] ?? '';
}

describe('what may be logged', () => {
  it('is the fields that are named, and plain values of them', () => {
    const kept = allowedFields({ code: 'x', count: 3, applied: ['a', 1, 'b'], isOpen: true, configFile: null, reason: { deep: CANARY }, other: CANARY });
    expect(kept).toEqual({ code: 'x', count: 3, applied: ['a', 'b'], isOpen: true, configFile: null, omitted: 2 });
    expect(String(allowedFields({ reason: 'r'.repeat(5000) })['reason'])).toHaveLength(LOG_VALUE_CHARS_MAX + 1);
  });

  it('is of an error its kind, code, message and stack, and nothing that hangs on it', () => {
    const error = Object.assign(new TypeError('bad'), { code: 'E_BAD', token: CANARY, request: { authorization: CANARY } });
    const written = line({ err: error });
    expect(JSON.parse(written)).toMatchObject({ err: { type: 'TypeError', code: 'E_BAD', message: 'bad' } });
    expect(written).not.toContain(CANARY);
  });

  it('holds for child loggers too', () => {
    const lines: string[] = [];
    const logger = buildLogger('info', { write: (text) => void lines.push(text) });
    logger.child({ reqId: 'r1', token: CANARY }).info({ status: 200 }, 'answered');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ reqId: 'r1', status: 200, msg: 'answered' });
    expect(lines[0]).not.toContain(CANARY);
  });
});

describe('the formats', () => {
  it('text says time, level, message and fields in one line, and shows what a terminal would obey', () => {
    const text = textLine(line({ code: 'disk_full', reason: 'no \u001B[31mroom' }, 'two\nlines'), false);
    expect(text).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z WARN {2}two\\u000alines code=disk_full reason="no \\u001b\[31mroom"\n$/);
    expect(textLine(line({}), true)).toContain('\u001B[33mWARN\u001B[0m');
    expect(textLine(line({ err: new Error('bad') }), false)).toMatch(/\n {4}Error: bad\n/);
  });

  it('syslog is RFC 5424, one line, with its severity, and never longer than every receiver takes', () => {
    const message = String(syslogMessage(line({ code: 'disk_full', count: 2 }, 'no\nroom'), FROM));
    expect(message).toMatch(/^<28>1 \d{4}-\d\d-\d\dT[\d:.]+Z box sealrelay 7 disk_full - no room count=2$/);
    const long = syslogMessage(line({}, 'ü'.repeat(3000)), FROM) ?? Buffer.alloc(0);
    expect(long.length).toBeLessThanOrEqual(SYSLOG_BYTES_MAX);
    expect(long.toString()).not.toContain('\uFFFD');
  });
});

describe('the sinks', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-log-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  function open(target: LogTarget, sendDatagram: (path: string, payload: Buffer) => boolean = () => false, format: 'json' | 'text' = 'json'): LogSink {
    return openSink({ target, format, isTerminal: false, colors: true, sendDatagram });
  }

  function logTo(sink: LogSink, message: string): void {
    buildLogger('info', sink).info({ code: 'seen', secret: CANARY, err: Object.assign(new Error('e'), { secret: CANARY }) }, message);
  }

  it('a file is opened anew under its name after it was moved', async () => {
    const path = join(dir, 'log', 'relay.log');
    const sink = open({ kind: 'file', path });
    logTo(sink, 'first');
    renameSync(path, `${path}.1`);
    logTo(sink, 'second');
    sink.reopen();
    logTo(sink, 'third');
    await sink.close();
    const messages = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n').map((text) => JSON.parse(text).msg);
    expect([messages(`${path}.1`), messages(path)]).toEqual([['first', 'second'], ['third']]);
    expect(readFileSync(path, 'utf8') + readFileSync(`${path}.1`, 'utf8')).not.toContain(CANARY);
  });

  it('a file has no colours', async () => {
    const path = join(dir, 'relay.log');
    const sink = open({ kind: 'file', path }, undefined, 'text');
    logTo(sink, 'first');
    await sink.close();
    expect(readFileSync(path, 'utf8')).toMatch(/Z INFO {2}first code=seen omitted=1\n/);
    expect(readFileSync(path, 'utf8')).not.toContain(CANARY);
  });

  it('a file that cannot be written stops the start with the option to change', () => {
    expect(() => open({ kind: 'file', path: dir })).toThrow(/cannot write the log/);
  });

  it('syslog takes a local socket, UDP and TCP, and nothing secret takes any of them', async () => {
    const datagrams: [string, string][] = [];
    const local = open({ kind: 'syslog-unix', path: '/dev/log' }, (path, payload) => datagrams.push([path, String(payload)]) > 0);
    logTo(local, 'local');
    expect(datagrams).toEqual([['/dev/log', expect.stringContaining(' seen - local ')]]);

    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const overUdp = open({ kind: 'syslog-udp', host: '127.0.0.1', port: udp.address().port });
    const received = once(udp, 'message');
    logTo(overUdp, 'by UDP');
    const [datagram] = await received;
    expect(String(datagram)).toContain(' seen - by UDP ');
    await overUdp.close();
    udp.close();

    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const connected = once(server, 'connection');
    const overTcp = open({ kind: 'syslog-tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    logTo(overTcp, 'by TCP');
    logTo(overTcp, 'again');
    const [socket] = await connected;
    let stream = '';
    socket.on('data', (piece: Buffer) => (stream += String(piece)));
    const ended = once(socket, 'end');
    await overTcp.close();
    await ended;
    server.close();
    const [first = '', length = '0'] = [stream, /^\d+/.exec(stream)?.[0]];
    const start = length.length + 1;
    expect(first.slice(start, start + Number(length))).toMatch(/^<30>1 .* seen - by TCP /);
    expect(stream.slice(start + Number(length))).toMatch(/^\d+ <30>1 .* seen - again /);
    expect(stream + String(datagram) + String(datagrams)).not.toContain(CANARY);
  });

  it('the control: a logger without the rule does write the canary', async () => {
    const { default: pino } = await import('pino');
    const path = join(dir, 'relay.log');
    const sink = open({ kind: 'file', path });
    pino({}, sink).info({ secret: CANARY }, 'first');
    await sink.close();
    expect(readFileSync(path, 'utf8')).toContain(CANARY);
  });
});
