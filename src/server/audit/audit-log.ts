// The audit log of a running relay: takes entries from everywhere, writes those that wait together, and says when they are on disk.
import { RelayError } from '../../errors.js';
import type { ChainEnd } from './audit-line.js';
import type { AuditAction } from './audit-actions.js';
import type { AuditEntry, AuditSink } from './audit-sink.js';
import { AuditWriter, FILE_BOUNDS, type FileBounds, type TimedEntry } from './audit-writer.js';
import { hasCode } from '../file-errors.js';

/** Entries that wait for the disk; more are refused and counted. */
export const AUDIT_WAITING_MAX = 256;

export interface AuditLogDeps {
  readonly clock: () => number;
  /** Told what could not be written. */
  readonly onFailure: (error: unknown) => void;
  readonly bounds?: FileBounds;
}

interface Waiting extends TimedEntry {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Before `open` entries wait; after a failure the next entry tries again and says how many were lost. */
export class AuditLog implements AuditSink {
  readonly dir: string;
  readonly #deps: AuditLogDeps;
  readonly #waiting: Waiting[] = [];
  #writer: AuditWriter | null = null;
  #lost = 0;
  #phase: 'waiting' | 'open' | 'closed' = 'waiting';
  #work: Promise<void> = Promise.resolve();

  constructor(dir: string, deps: AuditLogDeps) {
    this.dir = dir;
    this.#deps = deps;
  }

  /** The newest line; null before there is one. */
  get end(): ChainEnd | null {
    return this.#writer?.end ?? null;
  }

  /** Opens the log and writes what waits; for a relay that starts, first whether it ended in order the last time. Only a full or read-only disk is put up with. */
  async open({ ofRelay }: { readonly ofRelay: boolean }): Promise<void> {
    try {
      await this.#openWriter(ofRelay);
    } catch (error) {
      if (!hasCode(error, 'ENOSPC', 'EDQUOT', 'EROFS')) throw error;
      this.#deps.onFailure(error);
    }
    this.#phase = 'open';
    this.#start();
  }

  record(entry: AuditEntry): Promise<void> {
    if (this.#waiting.length >= AUDIT_WAITING_MAX || this.#phase === 'closed') {
      this.#lost += 1;
      const why = this.#phase === 'closed' ? 'the audit log is closed' : 'too many entries wait for the audit log';
      return Promise.reject(new RelayError('audit_failed', why, { temporary: true }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, timeMs: this.#deps.clock(), resolve, reject });
      if (this.#phase === 'open') this.#start();
    });
  }

  /** Writes what waits and lets the log go. */
  async close(): Promise<void> {
    await this.#work;
    this.#phase = 'closed';
    const writer = this.#writer;
    this.#writer = null;
    await writer?.close();
  }

  #start(): void {
    this.#work = this.#work.then(() => this.#drain());
  }

  async #drain(): Promise<void> {
    const batch = this.#waiting.splice(0);
    if (batch.length === 0) return;
    try {
      const writer = this.#writer ?? (await this.#openWriter(false));
      await writer.append(this.#lost > 0 ? [this.#lostEntry(), ...batch] : batch);
      this.#lost = 0;
      for (const { resolve } of batch) resolve();
    } catch (cause) {
      await this.#fail(cause, batch);
    }
  }

  async #fail(cause: unknown, batch: readonly Waiting[]): Promise<void> {
    this.#lost += batch.length;
    const writer = this.#writer;
    this.#writer = null;
    await writer?.close().catch(() => undefined);
    this.#deps.onFailure(cause);
    const error = new RelayError('audit_failed', 'the audit log could not be written', { temporary: true, hint: 'Check the disk.', cause });
    for (const { reject } of batch) reject(error);
  }

  async #openWriter(isStart: boolean): Promise<AuditWriter> {
    const { writer, tornBytes, lastLife } = await AuditWriter.open(this.dir, this.#deps.bounds ?? FILE_BOUNDS);
    const found: AuditEntry[] = [];
    if (tornBytes > 0) found.push(byRelay('audit.mended', { tornBytes }));
    if (isStart && lastLife?.action === 'relay.started') found.push({ ...byRelay('relay.crashed', { startedAt: lastLife.time }), outcome: 'failed' });
    try {
      if (found.length > 0) await writer.append(found.map((entry) => ({ entry, timeMs: this.#deps.clock() })));
    } catch (error) {
      await writer.close().catch(() => undefined);
      throw error;
    }
    this.#writer = writer;
    return writer;
  }

  #lostEntry(): TimedEntry {
    return { entry: { ...byRelay('audit.lost', { entries: this.#lost }), outcome: 'failed' }, timeMs: this.#deps.clock() };
  }
}

function byRelay(action: AuditAction, detail: AuditEntry['detail'] & object): AuditEntry {
  return { action, actor: 'relay', subject: null, outcome: 'done', detail };
}
