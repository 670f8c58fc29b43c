// Looks at what is known, keeps the state of the alerts over restarts, and tells the receivers.
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from '../../config/options.js';
import type { OperationFiles } from '../operations/operation-files.js';
import { AlertBook, type Alert, type Told } from './alert-book.js';
import { AlertDelivery } from './alert-delivery.js';
import { watchedBy, type Signals } from './alert-rules.js';
import { TARGETS, configuredTargets, requestFor, type TargetName } from './alert-targets.js';

const FILE = 'firing.json';

export interface AlertsDeps {
  readonly config: () => Config;
  readonly logger: Logger;
  readonly fetch: typeof fetch;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface TargetState {
  readonly name: TargetName;
  readonly waiting: number;
  readonly sent: number;
  readonly lost: number;
}

export class Alerts {
  readonly #deps: AlertsDeps;
  readonly #book = new AlertBook();
  readonly #deliveries: Readonly<Record<TargetName, AlertDelivery>>;
  #files: OperationFiles | null = null;

  constructor(deps: AlertsDeps) {
    this.#deps = deps;
    const make = (name: TargetName): AlertDelivery =>
      new AlertDelivery({
        fetch: deps.fetch,
        sleep: deps.sleep ?? sleepUnless,
        random: () => Math.random(),
        lost: (why) => deps.logger.error({ code: 'alert_lost', target: name }, `an alert did not reach ${name}: ${why}`),
      });
    this.#deliveries = { webhook: make('webhook'), pagerduty: make('pagerduty'), opsgenie: make('opsgenie') };
  }

  /** Goes on with what was firing when the relay ended. */
  async open(files: OperationFiles | null): Promise<void> {
    this.#files = files;
    this.#book.restore((await files?.read(FILE)) ?? '[]');
  }

  get all(): readonly Alert[] {
    return this.#book.all;
  }

  get targets(): readonly TargetState[] {
    const configured = configuredTargets(this.#deps.config());
    return configured.map((name) => ({ name, waiting: this.#deliveries[name].waiting, sent: this.#deliveries[name].sentTotal, lost: this.#deliveries[name].lostTotal }));
  }

  get sentTotal(): number {
    return TARGETS.reduce((sum, name) => sum + this.#deliveries[name].sentTotal, 0);
  }

  get lostTotal(): number {
    return TARGETS.reduce((sum, name) => sum + this.#deliveries[name].lostTotal, 0);
  }

  look(signals: Signals, nowMs: number): void {
    const told = this.#book.look(watchedBy(this.#deps.config(), signals), nowMs);
    if (told.length === 0) return;
    for (const each of told) this.#tell(each);
    this.#files?.replace(FILE, this.#book.encode()).catch((error: unknown) => this.#deps.logger.warn({ err: error }, 'the state of the alerts could not be written'));
  }

  /** A message to every receiver that says it is none. */
  test(nowMs: number): readonly TargetName[] {
    const alert: Alert = { key: 'test', rule: 'store_unavailable', subject: null, severity: 'warning', state: { phase: 'ok' }, summary: 'This is a test; nothing is wrong' };
    this.#send({ event: 'firing', alert, atMs: nowMs });
    this.#send({ event: 'resolved', alert, atMs: nowMs });
    return configuredTargets(this.#deps.config());
  }

  stop(): void {
    for (const name of TARGETS) this.#deliveries[name].stop();
  }

  #tell(told: Told): void {
    const { event, alert } = told;
    // Its end is as loud as its beginning: who read the one has to find the other.
    this.#deps.logger.warn({ code: `alert_${event}`, alert: alert.key }, `${event === 'firing' ? 'alert' : 'resolved'}: ${alert.summary}`);
    this.#send(told);
  }

  #send(told: Told): void {
    const { config } = this.#deps;
    for (const name of configuredTargets(config())) this.#deliveries[name].send(() => requestFor(name, told, { region: config().region }, config()));
  }
}

async function sleepUnless(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
