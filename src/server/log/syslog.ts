// Log lines as RFC 5424 messages, and the ways they take: datagrams to a local socket, UDP (RFC 5426), or TCP with octet
// counting (RFC 6587). A log server that is away costs lines, never memory or the relay.
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { fieldsText, parseLine } from './line.js';

/** Lines that wait for a TCP connection; beyond it the oldest are dropped. */
const SYSLOG_LINES_MAX = 1024;
/** Longest message, in bytes; what is longer is cut. Every receiver takes 2,048. */
export const SYSLOG_BYTES_MAX = 2048;
/** Pause before the next attempt to connect. */
const RECONNECT_MS = 1000;
/** daemon, of RFC 5424 table 1. */
const FACILITY = 3;
/** From the levels of the process log to severities; the first that is not above the line's. */
const SEVERITIES = [
  [60, 2],
  [50, 3],
  [40, 4],
  [30, 6],
  [0, 7],
] as const;

/** The message for one line of the process log; null for what is no line. */
export function syslogMessage(json: string, from: { readonly host: string; readonly pid: number }): Buffer | null {
  const line = parseLine(json);
  if (line === null) return null;
  const severity = SEVERITIES.find(([level]) => line.level >= level)?.[1] ?? 7;
  const { code, ...fields } = line.fields;
  const id = typeof code === 'string' && /^[!-~]{1,32}$/.test(code) ? code : '-';
  const header = `<${FACILITY * 8 + severity}>1 ${line.time} ${from.host} sealrelay ${from.pid} ${id} -`;
  // Control characters of values are escaped by their JSON; those of the message could forge a line.
  const text = [line.message, fieldsText(fields)].filter((part) => part !== '').join(' ').replaceAll(/\p{Cc}/gu, ' ');
  return cutToBytes(Buffer.from(`${header} ${text}`), SYSLOG_BYTES_MAX);
}

/** A whole number of characters. */
function cutToBytes(message: Buffer, bytesMax: number): Buffer {
  if (message.length <= bytesMax) return message;
  let end = bytesMax;
  while (end > 0 && ((message[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return message.subarray(0, end);
}

/** Takes messages and does not wait. */
export interface SyslogTransport {
  send(message: Buffer): void;
  /** Messages that could not be sent. */
  dropped(): number;
  close(): Promise<void>;
}

export function overUnixSocket(path: string, sendDatagram: (path: string, payload: Buffer) => boolean): SyslogTransport {
  let dropped = 0;
  return {
    send: (message) => void (sendDatagram(path, message) || (dropped += 1)),
    dropped: () => dropped,
    close: async () => undefined,
  };
}

export function overUdp(host: string, port: number): SyslogTransport {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  let dropped = 0;
  let sending = 0;
  let closed: (() => void) | null = null;
  const done = (): void => {
    sending -= 1;
    if (sending === 0) closed?.();
  };
  socket.on('error', () => (dropped += 1));
  socket.unref();
  return {
    send(message) {
      sending += 1;
      socket.send(message, port, host, (error) => {
        if (error !== null) dropped += 1;
        done();
      });
    },
    dropped: () => dropped,
    async close() {
      if (sending > 0) await new Promise<void>((resolve) => (closed = resolve));
      socket.close();
    },
  };
}

export function overTcp(host: string, port: number): SyslogTransport {
  return new TcpTransport(host, port);
}

class TcpTransport implements SyslogTransport {
  readonly #host: string;
  readonly #port: number;
  #waiting: Buffer[] = [];
  #socket: Socket | null = null;
  #connected = false;
  #dropped = 0;
  #retry: NodeJS.Timeout | null = null;
  #closing = false;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
    this.#connect();
  }

  send(message: Buffer): void {
    this.#waiting.push(Buffer.concat([Buffer.from(`${message.length} `), message]));
    if (this.#waiting.length > SYSLOG_LINES_MAX) {
      this.#waiting.shift();
      this.#dropped += 1;
    }
    this.#flush();
  }

  dropped(): number {
    return this.#dropped;
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    const socket = this.#socket;
    if (socket === null) return;
    await new Promise<void>((resolve) => {
      // A log server that does not read must not hold up the end of the relay.
      const timer = setTimeout(() => socket.destroy(), RECONNECT_MS);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      // One that is not connected yet ends once it is, with what waits.
      if (this.#connected) socket.end();
    });
  }

  #connect(): void {
    this.#retry = null;
    const socket = connect({ host: this.#host, port: this.#port });
    this.#socket = socket;
    socket.unref();
    socket.on('connect', () => {
      this.#connected = true;
      this.#flush();
      if (this.#closing) socket.end();
    });
    socket.on('drain', () => this.#flush());
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#connected = false;
      this.#socket = null;
      if (this.#closing) return;
      this.#retry = setTimeout(() => this.#connect(), RECONNECT_MS);
      this.#retry.unref();
    });
  }

  #flush(): void {
    const socket = this.#socket;
    if (!this.#connected || socket === null || socket.writableNeedDrain || this.#waiting.length === 0) return;
    socket.write(Buffer.concat(this.#waiting.splice(0)));
  }
}

/** Who the messages are from, as RFC 5424 writes it. */
export function syslogSource(): { readonly host: string; readonly pid: number } {
  return { host: hostname().replaceAll(/[^!-~]/g, '').slice(0, 255) || '-', pid: process.pid };
}
