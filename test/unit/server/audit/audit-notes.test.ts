import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AUDIT_ACTIONS, withAuditActions } from '../../../../src/server/audit/audit-actions.js';
import { AUDIT_NOTES_MAX, countNotes, leaveNote, notesDirOf, takeNotes } from '../../../../src/server/audit/audit-notes.js';
import type { AuditEntry } from '../../../../src/server/audit/audit-sink.js';
import { FoundingCount } from '../../../../src/server/audit/founding-count.js';
import { InviteStore } from '../../../../src/server/admission/invite-store.js';
import { makeDirs } from '../../../../src/server/data-dirs.js';

const PAGE = join(import.meta.dirname, '../../../../docs/operations/audit-log.md');
const act: AuditEntry = { action: 'token.created', actor: 'operator', subject: 'abc', outcome: 'done', detail: { uses: 1 } };

describe('what commands leave for the audit log', () => {
  let data: string;
  let audit: string;
  let told: AuditEntry[];
  const sink = { record: (entry: AuditEntry): Promise<void> => Promise.resolve(void told.push(entry)) };

  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'sealrelay-notes-'));
    audit = join(data, 'audit');
    told = [];
  });
  afterEach(() => rmSync(data, { recursive: true, force: true }));

  it('is told in the order of the acts, once, with the time of each', async () => {
    await leaveNote(data, { ...act, subject: 'second' }, 2000);
    await leaveNote(data, { ...act, subject: 'first' }, 1000);
    expect(await countNotes(audit)).toBe(2);
    await takeNotes(audit, sink);
    await takeNotes(audit, sink);
    expect(told.map(({ subject, detail }) => [subject, detail?.['at'], detail?.['uses']])).toEqual([['first', '1970-01-01T00:00:01.000Z', 1], ['second', '1970-01-01T00:00:02.000Z', 1]]);
    expect(await countNotes(audit)).toBe(0);
  });

  it('stays where the log cannot be written', async () => {
    await leaveNote(data, act, 1000);
    await expect(takeNotes(audit, { record: () => Promise.reject(new Error('no room')) })).rejects.toThrow('no room');
    expect(await countNotes(audit)).toBe(1);
  });

  it('is refused, told and removed where no command left it', async () => {
    await leaveNote(data, act, 1000);
    const name = (digit: number): string => join(notesDirOf(audit), `${String(digit).padStart(16, '0')}-0123456789abcdef.note`);
    const bad = ['no json', '{}', JSON.stringify({ atMs: 1, entry: { ...act, action: 'made.up' } }), JSON.stringify({ atMs: 1e300, entry: act }), JSON.stringify({ atMs: 1, entry: { ...act, detail: { a: {} } } }), 'x'.repeat(9000)];
    bad.forEach((text, index) => writeFileSync(name(index), text));
    await takeNotes(audit, sink);
    expect(told.map(({ action }) => action)).toEqual([...bad.map(() => 'audit.note-refused'), 'token.created']);
    expect(readdirSync(notesDirOf(audit))).toEqual([]);
  });

  it('is bounded', async () => {
    await leaveNote(data, act, 1000);
    for (let index = 1; index < AUDIT_NOTES_MAX; index += 1) writeFileSync(join(notesDirOf(audit), `${String(index).padStart(16, '0')}-0123456789abcdef.note`), '{}');
    await expect(leaveNote(data, act, 1000)).rejects.toMatchObject({ code: 'audit_failed' });
  });
});

describe('foundings without a token', () => {
  it('are told by their number, at most once an hour and at the end', () => {
    const told: unknown[] = [];
    const sink = { record: ({ detail }: AuditEntry): Promise<void> => Promise.resolve(void told.push(detail?.['spaces'])) };
    const count = new FoundingCount();
    const at = (minutes: number, spaces: number, spacesErasedTotal: number, isLast = false): void => count.look({ spaces, spacesErasedTotal }, minutes * 60_000, sink, { isLast });
    at(0, 10, 0);
    at(30, 15, 0);
    expect(told).toEqual([]);
    at(60, 16, 2);
    at(61, 20, 2);
    expect(told).toEqual([8]);
    at(120, 20, 2);
    at(180, 20, 2);
    at(181, 20, 3, true);
    expect(told).toEqual([8, 4, 1]);
  });
});

describe('the page of the audit log', () => {
  it('names every action there is (`npm run docs:cli`)', () => {
    const page = readFileSync(PAGE, 'utf8');
    expect(withAuditActions(page)).toBe(page);
    expect(Object.keys(AUDIT_ACTIONS).filter((action) => !page.includes(`| \`${action}\` |`))).toEqual([]);
    // Control: a page that lacks one is not the page.
    const cut = page.replace(/^\| `token\.created`.*\n/m, '');
    expect(cut).not.toBe(page);
    expect(withAuditActions(cut)).toBe(page);
  });
});

describe.skipIf(!existsSync('/proc'))('a directory that lets nothing be made in it', () => {
  it('is said at once, by what makes directories and by what keeps tokens', { timeout: 5000 }, async () => {
    await expect(makeDirs('/proc/nope/a/b')).rejects.toMatchObject({ code: 'data_dir_unusable' });
    await expect(new InviteStore('/proc/nope', () => 0).create({ label: '', tenant: null, usesMax: 1, lifetimeMs: null })).rejects.toMatchObject({ code: 'data_dir_unusable' });
    await expect(leaveNote('/proc/nope', act, 0)).rejects.toMatchObject({ code: 'data_dir_unusable' });
  });

  it('is not the rule: what is missing is made, and what is there is left', async () => {
    const place = mkdtempSync(join(tmpdir(), 'sealrelay-dirs-'));
    await makeDirs(join(place, 'a/b/c'));
    await makeDirs(join(place, 'a/b/c'));
    writeFileSync(join(place, 'file'), '');
    await expect(makeDirs(join(place, 'file/x'))).rejects.toMatchObject({ code: 'data_dir_unusable' });
    expect(readdirSync(join(place, 'a/b'))).toEqual(['c']);
    rmSync(place, { recursive: true, force: true });
  });
});
