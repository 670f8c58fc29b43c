// Checks a whole audit log: that no line was changed, dropped, added or moved, and that the key signed it.
import type { KeyObject } from 'node:crypto';
import { listAuditFiles, readAuditFile, type AuditFile } from './audit-files.js';
import { readAuditPublicKey } from './audit-key.js';
import { chainStart, isSigned, lineHash, parseLine, publicText, type ChainEnd } from './audit-line.js';

/** The first line that is not what was written. */
export interface BrokenLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly seq: number | null;
  /** One sentence without its full stop. */
  readonly why: string;
}

export interface AuditReport {
  readonly lines: number;
  /** Seq of the oldest line that is still held; null where there is none. */
  readonly firstSeq: number | null;
  /** Keep it elsewhere: `seq:hash`. A log that was cut or written anew since does not hold it. */
  readonly head: string | null;
  readonly publicKey: string | null;
  /** Bytes of a line that is not complete, at the very end: written when the power went, and never acknowledged. */
  readonly tornBytes: number;
  readonly broken: BrokenLine | null;
}

export interface VerifyOptions {
  /** Instead of the key in the directory. */
  readonly publicKey?: KeyObject;
  /** A head noted earlier. */
  readonly knownHead?: ChainEnd;
}

/** Reads everything once, file by file. */
export async function verifyAudit(dir: string, options: VerifyOptions = {}): Promise<AuditReport> {
  const files = await listAuditFiles(dir);
  const key = options.publicKey ?? (await readAuditPublicKey(dir));
  const walk = new Walk(key, options.knownHead ?? null);
  let tornBytes = 0;
  for (const [index, file] of files.entries()) {
    const text = await readAuditFile(file.path);
    if (text.tornBytes > 0 && index < files.length - 1) walk.fail(file, text.lines.length + 1, null, 'the line is not complete');
    walk.file(file, text.lines);
    tornBytes = text.tornBytes;
    if (walk.broken !== null) break;
  }
  walk.finish(files.at(-1) ?? null);
  const { lines, firstSeq, end, broken } = walk;
  return { lines, firstSeq, head: end === null ? null : `${end.seq}:${end.hash}`, publicKey: key === null ? null : publicText(key), tornBytes, broken };
}

class Walk {
  lines = 0;
  firstSeq: number | null = null;
  end: ChainEnd | null = null;
  broken: BrokenLine | null = null;
  #droppedThrough = 0;
  #knownSeen: boolean;
  readonly #key: KeyObject | null;
  readonly #known: ChainEnd | null;

  constructor(key: KeyObject | null, known: ChainEnd | null) {
    [this.#key, this.#known, this.#knownSeen] = [key, known, known === null];
  }

  file(file: AuditFile, lines: readonly string[]): void {
    for (const [index, line] of lines.entries()) {
      const why = this.#judge(line, index === 0 ? file.firstSeq : null);
      if (why !== null) {
        this.fail(file, index + 1, parseLine(line)?.seq ?? null, why);
        return;
      }
    }
    // The last line vouches for all before it through the chain; which one is wrong is looked for only when it does not.
    const last = lines.at(-1);
    if (last === undefined || (this.#key !== null && isSigned(last, this.#key))) return;
    const first = lines.findIndex((line) => this.#key === null || !isSigned(line, this.#key));
    const why = this.#key === null ? 'there is no key to check its signature with' : 'its signature is not of this key';
    this.fail(file, first + 1, parseLine(lines[first] ?? '')?.seq ?? null, why);
  }

  fail(file: AuditFile, line: number, seq: number | null, why: string): void {
    this.broken ??= { file: file.path, line, seq, why };
  }

  /** What only the whole log can say. */
  finish(newest: AuditFile | null): void {
    if (this.broken !== null) return;
    const at = newest ?? { path: 'audit', firstSeq: 1 };
    if (this.firstSeq !== null && this.firstSeq > this.#droppedThrough + 1) {
      this.fail(at, 1, this.firstSeq, `the lines before ${this.firstSeq} are missing, and the log gave up those to ${this.#droppedThrough} only`);
    }
    if (!this.#knownSeen && this.#known !== null) {
      const rotated = this.#known.seq <= this.#droppedThrough;
      this.fail(at, 1, this.#known.seq, rotated ? `line ${this.#known.seq} was given up meanwhile, so the head you noted cannot be checked` : `line ${this.#known.seq} is not the one you noted`);
    }
  }

  #judge(line: string, expectedSeq: number | null): string | null {
    const parsed = parseLine(line);
    if (parsed === null) return 'it is no line of an audit log';
    if (this.end === null) {
      this.firstSeq = parsed.seq;
      const start = this.#key === null ? null : chainStart(this.#key);
      if (parsed.seq === 1 && start !== null && parsed.prev !== start.hash) return 'it does not begin a log of this key';
    } else {
      if (parsed.seq !== this.end.seq + 1) return `line ${this.end.seq + 1} is missing before it`;
      if (parsed.prev !== this.end.hash) return 'it does not hold the hash of the line before: one of the two was changed';
    }
    if (expectedSeq !== null && parsed.seq !== expectedSeq) return 'its file has the name of another line';
    this.end = { seq: parsed.seq, hash: lineHash(line) };
    this.lines += 1;
    const dropped = parsed.action === 'audit.rotated' ? parsed.detail?.['droppedThrough'] : undefined;
    if (typeof dropped === 'number') this.#droppedThrough = Math.max(this.#droppedThrough, dropped);
    if (this.end.seq === this.#known?.seq && this.end.hash === this.#known.hash) this.#knownSeen = true;
    return null;
  }
}
