// Reads the configuration again while the relay runs. A wrong one changes nothing: the relay goes on with what it has.
import type { Logger } from 'pino';
import { changesOf } from '../config/changes.js';
import type { Config, OptionKey } from '../config/options.js';
import { RelayError } from '../errors.js';
import type { AuditSink } from './audit/audit-sink.js';
import type { LogFields } from './log/fields.js';

export interface ReloadReport {
  /** Why nothing was read, or null. */
  readonly error: string | null;
  readonly applied: readonly OptionKey[];
  readonly needRestart: readonly OptionKey[];
}

export interface ReloadDeps {
  /** Null where there is nothing to read again. */
  readonly reread: (() => Promise<Config>) | null;
  readonly apply: (next: Config) => void;
  /** Reads the files of the certificate again; rejects when they are of no use. */
  readonly reloadCertificate: () => Promise<void>;
  readonly logger: Logger;
  readonly audit: AuditSink;
}

/** Holds the configuration that runs. */
export class Reloader {
  #running: Config;
  readonly #deps: ReloadDeps;
  #last: Promise<unknown> = Promise.resolve();

  constructor(config: Config, deps: ReloadDeps) {
    this.#running = config;
    this.#deps = deps;
  }

  get running(): Config {
    return this.#running;
  }

  /** One after the other, so that the last one read is the one that runs. */
  reload(): Promise<ReloadReport> {
    const report = this.#last.then(() => this.#reloadAndRecord());
    this.#last = report.catch(() => undefined);
    return report;
  }

  async #reloadAndRecord(): Promise<ReloadReport> {
    const report = await this.#reload();
    await this.#record(report);
    return report;
  }

  /** Names only: a value may be a secret, and so may be what is wrong with it. What the log cannot take, it reports itself. */
  async #record({ error, applied, needRestart }: ReloadReport): Promise<void> {
    const detail = error === null ? { applied: applied.join(' '), needRestart: needRestart.join(' ') } : {};
    const entry = { action: 'config.reloaded', actor: 'operator', subject: null, outcome: error === null ? 'done' : 'refused', detail } as const;
    await this.#deps.audit.record(entry).catch(() => undefined);
  }

  async #reload(): Promise<ReloadReport> {
    const { reread, apply, reloadCertificate, logger } = this.#deps;
    if (reread === null) return failed('this relay was given its configuration by a program');
    let read: Config;
    try {
      read = await reread();
    } catch (error) {
      const why = error instanceof RelayError ? `${error.message}. ${error.hint ?? ''}`.trim() : String(error);
      logger.error({ code: 'config_invalid' }, `the configuration was not reloaded: ${why}`);
      return failed(why);
    }
    try {
      await reloadCertificate();
    } catch (error) {
      const why = error instanceof RelayError ? `${error.message}. ${error.hint ?? ''}`.trim() : String(error);
      logger.error({ code: error instanceof RelayError ? error.code : 'internal' }, `nothing was reloaded: ${why}`);
      return failed(why);
    }
    const { reloadable, needRestart, next } = changesOf(this.#running, read);
    this.#running = next;
    apply(next);
    logger.info({ applied: reloadable, needRestart } satisfies LogFields, describeReload({ error: null, applied: reloadable, needRestart }));
    return { error: null, applied: reloadable, needRestart };
  }
}

/** One sentence without its full stop. */
function describeReload({ applied, needRestart }: ReloadReport): string {
  const what = applied.length === 0 ? 'nothing to apply' : `applied ${applied.join(', ')}`;
  return needRestart.length === 0 ? `configuration reloaded: ${what}` : `configuration reloaded: ${what}; a restart is needed for ${needRestart.join(', ')}`;
}

function failed(error: string): ReloadReport {
  return { error, applied: [], needRestart: [] };
}
