// Reads the configuration again while the relay runs. A wrong one changes nothing: the relay goes on with what it has.
import type { Logger } from 'pino';
import { changesOf } from '../config/changes.js';
import type { Config, OptionKey } from '../config/options.js';
import { RelayError } from '../errors.js';
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
  readonly logger: Logger;
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
    const report = this.#last.then(() => this.#reload());
    this.#last = report.catch(() => undefined);
    return report;
  }

  async #reload(): Promise<ReloadReport> {
    const { reread, apply, logger } = this.#deps;
    if (reread === null) return failed('this relay was given its configuration by a program');
    let read: Config;
    try {
      read = await reread();
    } catch (error) {
      const why = error instanceof RelayError ? `${error.message}. ${error.hint ?? ''}`.trim() : String(error);
      logger.error({ code: 'config_invalid' }, `the configuration was not reloaded: ${why}`);
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
export function describeReload({ applied, needRestart }: ReloadReport): string {
  const what = applied.length === 0 ? 'nothing to apply' : `applied ${applied.join(', ')}`;
  return needRestart.length === 0 ? `configuration reloaded: ${what}` : `configuration reloaded: ${what}; a restart is needed for ${needRestart.join(', ')}`;
}

function failed(error: string): ReloadReport {
  return { error, applied: [], needRestart: [] };
}
