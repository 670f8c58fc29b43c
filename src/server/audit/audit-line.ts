// One line of the audit log: JSON with the hash of the line before it and a signature over everything else. Changing,
// dropping or moving a line changes a hash, and only the holder of the key can sign the lines that would have to follow.
import { createHash, sign, verify, type KeyObject } from 'node:crypto';
import type { AuditEntry } from './audit-sink.js';

const TEXT_CHARS_MAX = 200;
const DETAIL_KEYS_MAX = 16;
const DOMAIN = 'sealrelay/v1/audit\n';
/** Long enough to be an id, a key or a token: it is not written, whoever hands it in. A pseudonym has 16 characters. */
const LOOKS_LIKE_AN_ID = /[0-9a-f]{32,}|[A-Za-z0-9_-]{40,}/gi;
const SIGNED = /^(\{.*),"sig":"([A-Za-z0-9_-]{86})"\}$/s;

/** An entry with its place in the log. */
export interface AuditLine extends Omit<AuditEntry, 'action'> {
  /** A name of the table, or of the table of another version. */
  readonly action: string;
  /** From 1, without gaps. */
  readonly seq: number;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** Hash of the line before, 64 hexadecimal digits. */
  readonly prev: string;
}

/** What the next line follows. */
export interface ChainEnd {
  readonly seq: number;
  /** Hash of the line `seq`, of the key where there is none. */
  readonly hash: string;
}

/** What the first line of a log follows: the key it is signed with. */
export function chainStart(publicKey: KeyObject): ChainEnd {
  return { seq: 0, hash: sha256(DOMAIN + publicText(publicKey)) };
}

/** The public key as people pass it on: 43 characters of base64url. */
export function publicText(key: KeyObject): string {
  const { x } = key.export({ format: 'jwk' });
  return x ?? '';
}

export function lineHash(line: string): string {
  return sha256(line);
}

/** The line for an entry, without its newline. */
export function encodeLine(entry: AuditEntry, timeMs: number, after: ChainEnd, key: KeyObject): string {
  const detail = Object.entries(entry.detail ?? {}).slice(0, DETAIL_KEYS_MAX);
  const body = JSON.stringify({
    seq: after.seq + 1,
    time: new Date(timeMs).toISOString(),
    action: bounded(entry.action),
    actor: bounded(entry.actor),
    subject: entry.subject === null ? null : bounded(entry.subject),
    outcome: entry.outcome,
    detail: Object.fromEntries(detail.map(([name, value]) => [bounded(name), typeof value === 'string' ? bounded(value) : value])),
    prev: after.hash,
  });
  const signature = sign(null, Buffer.from(DOMAIN + body), key).toString('base64url');
  return `${body.slice(0, -1)},"sig":"${signature}"}`;
}

/** The fields of a line, or null when it is none. Says nothing about hash and signature. */
export function parseLine(line: string): AuditLine | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  return isLine(value) ? value : null;
}

export function isSigned(line: string, publicKey: KeyObject): boolean {
  const [, body, signature] = SIGNED.exec(line) ?? [];
  return body !== undefined && signature !== undefined && verify(null, Buffer.from(`${DOMAIN}${body}}`), publicKey, Buffer.from(signature, 'base64url'));
}

function isLine(value: unknown): value is AuditLine {
  if (typeof value !== 'object' || value === null) return false;
  const { seq, time, action, actor, subject, outcome, prev, detail }: Partial<Record<keyof AuditLine, unknown>> = value;
  return (
    Number.isSafeInteger(seq) &&
    [time, action, actor, outcome, prev].every((field) => typeof field === 'string') &&
    (subject === null || typeof subject === 'string') &&
    typeof detail === 'object'
  );
}

function bounded(text: string): string {
  return text.slice(0, TEXT_CHARS_MAX).replace(LOOKS_LIKE_AN_ID, '[left out]');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
