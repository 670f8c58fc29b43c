// What the command line did in the data directory, for the relay to write into the audit log: a file for each act. A command never
// writes the log itself: it cannot know whether a relay has it open, and two writers would break the chain.
import { randomBytes } from 'node:crypto';
import { open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RelayError } from '../../errors.js';
import { makeDirs } from '../data-dirs.js';
import { isAuditAction } from './audit-actions.js';
import { isMissing } from '../file-errors.js';
import { syncDirectory } from '../sync-directory.js';
import { auditDirOf } from './audit-files.js';
import type { AuditEntry, AuditSink } from './audit-sink.js';

/** Notes that may wait for a relay; a command that would leave more says so. */
export const AUDIT_NOTES_MAX = 1000;
const NOTE_BYTES_MAX = 8 * 1024;
const SUFFIX = '.note';
/** Time and chance: notes are taken in the order of their acts. */
const NAME = /^\d{16}-[0-9a-f]{16}\.note$/;
const NAME_DIGITS = 16;
const OWNER_ONLY = 0o600;

interface Note {
  readonly atMs: number;
  readonly entry: AuditEntry;
}

export function notesDirOf(auditDir: string): string {
  return join(auditDir, 'notes');
}

/** Resolves once the note is on disk. The relay that runs takes it within a second, the next one at its start. */
export async function leaveNote(dataDir: string, entry: AuditEntry, atMs: number): Promise<void> {
  const dir = notesDirOf(auditDirOf(dataDir));
  await makeDirs(dir);
  if ((await namesIn(dir)).length >= AUDIT_NOTES_MAX) {
    throw new RelayError('audit_failed', `${AUDIT_NOTES_MAX} acts of commands wait for a relay to write them down`, { hint: 'Start the relay once.' });
  }
  const path = join(dir, `${String(atMs).padStart(NAME_DIGITS, '0')}-${randomBytes(8).toString('hex')}${SUFFIX}`);
  const file = await open(`${path}.new`, 'wx', OWNER_ONLY);
  try {
    await file.writeFile(JSON.stringify({ atMs, entry } satisfies Note));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  await syncDirectory(dir);
}

/** Acts that wait for a relay. */
export async function countNotes(auditDir: string): Promise<number> {
  return (await namesIn(notesDirOf(auditDir))).length;
}

/**
 * Writes what waits into the log, each with `at`, the time of the act. A note goes only when its line is on disk, so one that a
 * crash comes between is told twice, with the same `note`.
 */
export async function takeNotes(auditDir: string, sink: AuditSink): Promise<void> {
  const dir = notesDirOf(auditDir);
  for (const name of (await namesIn(dir)).slice(0, AUDIT_NOTES_MAX)) {
    const path = join(dir, name);
    const note = await readNote(path);
    const id = name.slice(NAME_DIGITS + 1, -SUFFIX.length);
    await sink.record(note === null ? REFUSED : { ...note.entry, detail: { ...note.entry.detail, at: new Date(note.atMs).toISOString(), note: id } });
    await rm(path, { force: true });
  }
}

const REFUSED: AuditEntry = { action: 'audit.note-refused', actor: 'relay', subject: null, outcome: 'refused' };

async function namesIn(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return names.filter((name) => NAME.test(name)).sort();
}

async function readNote(path: string): Promise<Note | null> {
  if ((await stat(path)).size > NOTE_BYTES_MAX) return null;
  const text = await readFile(path, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return isNote(value) ? value : null;
}

function isNote(value: unknown): value is Note {
  if (typeof value !== 'object' || value === null) return false;
  const { atMs, entry }: { atMs?: unknown; entry?: unknown } = value;
  if (typeof atMs !== 'number' || !Number.isSafeInteger(atMs) || Math.abs(atMs) > 8.64e15 || typeof entry !== 'object' || entry === null) return false;
  const { action, actor, subject, outcome, detail }: Partial<Record<keyof AuditEntry, unknown>> = entry;
  const isPlain = detail === undefined || (typeof detail === 'object' && detail !== null && Object.values(detail).every((fact) => ['string', 'number', 'boolean'].includes(typeof fact)));
  return isAuditAction(action) && typeof actor === 'string' && (subject === null || typeof subject === 'string') && (outcome === 'done' || outcome === 'refused' || outcome === 'failed') && isPlain;
}
