// Where a listening socket that was handed over listens. Nobody but the system knows: what is safe to say on it depends on that, and
// not on what the configuration says of an address that is not used.
import { readFileSync, readlinkSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';

export interface ListeningAddress {
  readonly host: string;
  readonly port: number;
}

/** Fields of a line of /proc/net/tcp. */
const [LOCAL, INODE] = [1, 9];
const WORD_HEX = 8;
const MAPPED = /^0:0:0:0:0:ffff:/;

/** Null where the system does not tell; `proc` is the place of /proc/self. */
export function listeningAddress(fd: number, proc = '/proc/self'): ListeningAddress | null {
  const inode = /^socket:\[(\d+)\]$/.exec(readOr('', () => readlinkSync(join(proc, 'fd', String(fd)))))?.[1];
  if (inode === undefined) return null;
  const lines = ['tcp', 'tcp6'].flatMap((name) => readOr('', () => readFileSync(join(proc, 'net', name), 'utf8')).split('\n'));
  const local = lines.map((line) => line.trim().split(/\s+/)).find((fields) => fields[INODE] === inode)?.[LOCAL];
  const [, address = '', port = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local ?? '') ?? [];
  return address === '' ? null : { host: hostOf(address), port: Number.parseInt(port, 16) };
}

/** The system writes words of 32 bits in the order of its own bytes. */
function hostOf(hex: string): string {
  const words = hex.match(new RegExp(`.{${WORD_HEX}}`, 'g')) ?? [];
  const bytes = words.flatMap((word) => {
    const own = [...Buffer.from(word, 'hex')];
    return endianness() === 'LE' ? own.toReversed() : own;
  });
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16)).join(':');
  if (MAPPED.test(groups)) return bytes.slice(12).join('.');
  // As addresses are usually written; `::` above all.
  return new URL(`http://[${groups}]/`).hostname.slice(1, -1);
}

function readOr(otherwise: string, read: () => string): string {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
