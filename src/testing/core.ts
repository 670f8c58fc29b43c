// The data plane of a relay as a part that can be stopped and started again on what is on its disk.
import type { Config } from '../config/options.js';
import { startRelayPort } from '../native/addon.js';
import type { RelayInfo, RelayPort, RelayStats } from '../native/relay-port.js';
import { toCoreConfig } from '../server/core-config.js';
import { DATA_PLANE_ROUTES } from '../server/data-plane-routes.js';
import { BEAT_MS, STOP_MS_MAX } from './limits.js';

export class Core {
  readonly #config: Config;
  #running: { readonly port: RelayPort; readonly beat: NodeJS.Timeout } | undefined;
  #info: RelayInfo | undefined;

  constructor(config: Config) {
    this.#config = config;
  }

  /** Where it listens, or listened last. */
  get info(): RelayInfo {
    if (this.#info === undefined) throw new RangeError('the relay was never started');
    return this.#info;
  }

  stats(): RelayStats | null {
    return this.#running?.port.stats() ?? null;
  }

  async start(): Promise<void> {
    // Events that nobody takes wait in a bounded queue, and their number is counted.
    const port = await startRelayPort(toCoreConfig(this.#config, DATA_PLANE_ROUTES, null), () => undefined);
    this.#info = port.info();
    this.#running = { port, beat: setInterval(() => port.beat(), BEAT_MS).unref() };
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    clearInterval(running.beat);
    await running.port.stop({ drainMs: STOP_MS_MAX });
  }
}
