import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditPage } from '../../../../src/server/audit/audit-page.js';
import { AUDIT_WAITING_MAX, AuditLog } from '../../../../src/server/audit/audit-log.js';
import type { AuditEntry } from '../../../../src/server/audit/audit-sink.js';
import { verifyAudit } from '../../../../src/server/audit/audit-verify.js';

const entry = (detail: AuditEntry['detail'] = {}): AuditEntry => ({ action: 'space.erased', actor: 'operator', subject: 'abcdefghijklmnop', outcome: 'done', detail });

describe('the audit log', () => {
  let place: string;
  let dir: string;
  let failures: unknown[];
  const bounds = { fileBytesMax: 1500, filesMax: 3 };

  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'sealrelay-audit-'));
    dir = join(place, 'audit');
    failures = [];
  });
  afterEach(() => rmSync(place, { recursive: true, force: true }));

  const newLog = (): AuditLog => new AuditLog(dir, { clock: () => 1_700_000_000_000, onFailure: (error) => failures.push(error), bounds });
  const opened = async (): Promise<AuditLog> => {
    const log = newLog();
    await log.open({ ofRelay: true });
    return log;
  };
  const files = (): string[] => readdirSync(dir).filter((name) => name.endsWith('.jsonl')).sort().map((name) => join(dir, name));
  const actions = async (): Promise<string[]> => (await auditPage(dir, 0, 1000)).map(({ action }) => action);
  /** A log of `count` lines, closed. */
  const written = async (count: number): Promise<string> => {
    const log = await opened();
    for (let index = 0; index < count; index += 1) await log.record(entry({ index }));
    await log.close();
    return files().at(-1) ?? '';
  };
  const change = (path: string, edit: (lines: string[]) => string[]): void => writeFileSync(path, `${edit(readFileSync(path, 'utf8').trimEnd().split('\n')).join('\n')}\n`);

  it('holds every line in order, readable by this user only, and goes on after a restart', async () => {
    const early = newLog();
    const waiting = early.record(entry());
    await early.open({ ofRelay: true });
    await Promise.all([waiting, early.record(entry())]);
    await early.close();
    const second = await opened();
    await second.record(entry());
    await second.close();
    expect(await verifyAudit(dir)).toMatchObject({ lines: 3, firstSeq: 1, tornBytes: 0, broken: null });
    expect((await auditPage(dir, 1, 1)).map(({ seq }) => seq)).toEqual([2]);
    expect((await auditPage(dir, null, 2)).map(({ seq }) => seq)).toEqual([2, 3]);
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).mode & 0o077, name).toBe(0);
    expect(statSync(dir).mode & 0o077).toBe(0);
  });

  it.each([
    ['a changed line', (lines: string[]) => lines.map((line, index) => (index === 1 ? line.replace('operator', 'operatok') : line)), 3],
    ['a changed last line', (lines: string[]) => [...lines.slice(0, -1), (lines.at(-1) ?? '').replace('operator', 'operatok')], 4],
    ['a removed line', (lines: string[]) => lines.filter((_, index) => index !== 1), 2],
    ['a line written twice', (lines: string[]) => [...lines, lines.at(-1) ?? ''], 5],
    ['two lines that changed places', ([first = '', second = '', ...rest]: string[]) => [second, first, ...rest], 1],
    ['a line that is none', (lines: string[]) => [...lines, 'nonsense'], 5],
  ])('names the first broken line of %s', async (_what, edit, line) => {
    const file = await written(4);
    expect((await verifyAudit(dir)).broken).toBeNull();
    change(file, edit);
    expect((await verifyAudit(dir)).broken).toMatchObject({ file, line });
  });

  it('does not pass for one that somebody else wrote from its start, or that was cut at its end', async () => {
    await written(3);
    const { head, publicKey } = await verifyAudit(dir);
    const [seq, hash] = (head ?? '').split(':');
    const knownHead = { seq: Number(seq), hash: hash ?? '' };
    expect((await verifyAudit(dir, { knownHead })).broken).toBeNull();
    change(files()[0] ?? '', (lines) => lines.slice(0, 2));
    expect((await verifyAudit(dir)).broken).toBeNull();
    expect((await verifyAudit(dir, { knownHead })).broken).toMatchObject({ why: 'line 3 is not the one you noted' });
    rmSync(dir, { recursive: true });
    await written(3);
    expect((await verifyAudit(dir)).publicKey).not.toBe(publicKey);
    expect((await verifyAudit(dir, { knownHead })).broken).not.toBeNull();
  });

  it('is not believed when its lines were signed with another key', async () => {
    await written(3);
    const stolen = readFileSync(files()[0] ?? '');
    const key = readFileSync(join(dir, 'key'));
    rmSync(dir, { recursive: true });
    await written(1);
    writeFileSync(files()[0] ?? '', stolen);
    expect((await verifyAudit(dir)).broken).toMatchObject({ line: 1, why: 'it does not begin a log of this key' });
    writeFileSync(join(dir, 'key'), key);
    expect((await verifyAudit(dir)).broken).toBeNull();
  });

  it('is bounded: old files go, the chain goes on, and a missing file is noticed', async () => {
    await written(40);
    expect(files()).toHaveLength(bounds.filesMax);
    const whole = await verifyAudit(dir);
    expect(whole.broken).toBeNull();
    expect(whole.firstSeq).toBeGreaterThan(1);
    const [oldest = '', middle = ''] = files();
    const kept = readFileSync(oldest);
    rmSync(oldest);
    expect((await verifyAudit(dir)).broken).toMatchObject({ why: expect.stringMatching(/^the lines before \d+ are missing/) });
    writeFileSync(oldest, kept);
    rmSync(middle);
    expect((await verifyAudit(dir)).broken).toMatchObject({ line: 1, why: expect.stringMatching(/^line \d+ is missing before it/) });
  });

  it('mends a line that a crash cut off, and says so', async () => {
    const file = await written(2);
    appendFileSync(file, '{"seq":3,"ti');
    expect(await verifyAudit(dir)).toMatchObject({ tornBytes: 12, broken: null, lines: 2 });
    const log = await opened();
    await log.record(entry());
    await log.close();
    expect(await actions()).toEqual(['space.erased', 'space.erased', 'audit.mended', 'space.erased']);
    expect((await verifyAudit(dir)).broken).toBeNull();
  });

  it('goes on in the file before when a crash left an empty one', async () => {
    const before = await written(3);
    writeFileSync(join(dir, `${'4'.padStart(20, '0')}.jsonl`), '{"se');
    const log = await opened();
    await log.record(entry());
    await log.close();
    expect(files()).toContain(before);
    expect(await verifyAudit(dir)).toMatchObject({ lines: 4, broken: null });
  });

  it('says after a kill that the relay did not stop in order', async () => {
    const life = (action: AuditEntry['action']): AuditEntry => ({ ...entry(), action, actor: 'relay', subject: null });
    const first = await opened();
    await first.record(life('relay.started'));
    await first.record(entry());
    // Killed: nothing is closed, and the lock names a process that is gone or was this one.
    const second = await opened();
    await second.record(life('relay.started'));
    await second.record(life('relay.stopped'));
    await second.close();
    const third = await opened();
    await third.record(life('relay.started'));
    await third.close();
    await first.close();
    const told = (await actions()).filter((action) => action !== 'audit.rotated');
    expect(told).toEqual(['relay.started', 'space.erased', 'relay.crashed', 'relay.started', 'relay.stopped', 'relay.started']);
  });

  it('writes no id, key or token, whoever hands it in', async () => {
    const log = await opened();
    const secrets = ['a1'.repeat(32), 'Ab_-'.repeat(11), 'F0'.repeat(16)];
    await log.record({ action: 'space.erased', actor: secrets[0] ?? '', subject: secrets[1] ?? '', outcome: 'done', detail: { why: `of ${secrets[2]}`, [secrets[0] ?? '']: 1, kept: 'x'.repeat(30) } });
    await log.close();
    const text = readFileSync(files()[0] ?? '', 'utf8').replace(/"(prev|sig)":"[^"]+"/g, '');
    for (const secret of secrets) expect(text).not.toContain(secret);
    expect(text).toContain('x'.repeat(30));
  });

  it('refuses what is over its limit, counts what it lost, and says so in the next line', async () => {
    const log = newLog();
    const all = Array.from({ length: AUDIT_WAITING_MAX + 2 }, () => log.record(entry()).then(() => 'done', () => 'lost'));
    await log.open({ ofRelay: true });
    expect((await Promise.all(all)).filter((outcome) => outcome === 'lost')).toHaveLength(2);
    await log.close();
    expect((await auditPage(dir, 0, 1))[0]).toMatchObject({ action: 'audit.lost', detail: { entries: 2 } });
    await expect(log.record(entry())).rejects.toMatchObject({ code: 'audit_failed' });
  });

  it('goes on after a failed write once it can, and counts what was lost meanwhile', async () => {
    const log = await opened();
    let seq = 0;
    for (; seq === 0 || statSync(files()[0] ?? '').size < bounds.fileBytesMax; seq += 1) await log.record(entry());
    const inTheWay = join(dir, `${String(seq + 1).padStart(20, '0')}.jsonl`);
    mkdirSync(inTheWay);
    await expect(log.record(entry())).rejects.toMatchObject({ code: 'audit_failed', temporary: true });
    expect(failures).toHaveLength(1);
    rmSync(inTheWay, { recursive: true });
    await log.record(entry());
    await log.close();
    expect((await actions()).slice(seq)).toEqual(['audit.rotated', 'audit.lost', 'space.erased']);
    expect((await verifyAudit(dir)).broken).toBeNull();
  });

  it('refuses to begin a second log over one whose key is gone or whose end was changed', async () => {
    const file = await written(2);
    const key = readFileSync(join(dir, 'key'));
    rmSync(join(dir, 'key'));
    await expect(newLog().open({ ofRelay: true })).rejects.toMatchObject({ code: 'audit_unusable', hint: expect.stringContaining('Put it back') });
    writeFileSync(join(dir, 'key'), key);
    truncateSync(file, 10);
    appendFileSync(file, '\n');
    await expect(newLog().open({ ofRelay: true })).rejects.toMatchObject({ code: 'audit_unusable', hint: expect.stringContaining('relay audit verify') });
  });
});
