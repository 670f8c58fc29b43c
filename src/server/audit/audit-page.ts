// Reads a page of the audit log for people and programs. It does not check anything: `audit-verify.ts` does.
import { listAuditFiles, readAuditFile } from './audit-files.js';
import { parseLine, type AuditLine } from './audit-line.js';

export const AUDIT_PAGE_MAX = 1000;

/** At most `limit` lines, oldest first: those behind `after`, or the newest where it is null. */
export async function auditPage(dir: string, after: number | null, limit: number): Promise<AuditLine[]> {
  const files = await listAuditFiles(dir);
  return after === null ? newest(files, limit) : behind(files, after, limit);
}

type Files = Awaited<ReturnType<typeof listAuditFiles>>;

async function newest(files: Files, limit: number): Promise<AuditLine[]> {
  let found: AuditLine[] = [];
  for (const { path } of files.toReversed()) {
    found = [...(await linesOf(path)), ...found];
    if (found.length >= limit) break;
  }
  return found.slice(-limit);
}

async function behind(files: Files, after: number, limit: number): Promise<AuditLine[]> {
  const found: AuditLine[] = [];
  for (const [index, { path }] of files.entries()) {
    const next = files[index + 1];
    if (next !== undefined && next.firstSeq <= after + 1) continue;
    found.push(...(await linesOf(path)).filter(({ seq }) => seq > after));
    if (found.length >= limit) break;
  }
  return found.slice(0, limit);
}

/** A file that was given up while it was listed has no lines. */
async function linesOf(path: string): Promise<AuditLine[]> {
  const { lines } = await readAuditFile(path).catch(() => ({ lines: [] }));
  return lines.flatMap((line) => parseLine(line) ?? []);
}
