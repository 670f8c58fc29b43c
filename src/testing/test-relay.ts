// The real relay inside a test: the same core, store and protocol as in production, on a directory that is gone afterwards.
import { accessSync, constants } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configFrom } from '../config/from-values.js';
import type { Config } from '../config/options.js';
import { resetLog } from '../native/addon.js';
import type { RelayStats } from '../native/relay-port.js';
import { relayAddress } from '../server/address.js';
import { Core } from './core.js';
import { FaultyNetwork } from './faulty-network.js';

export interface TestRelayOptions {
  /** Options by key, as in docs/reference/configuration.md. Rates are off unless it says otherwise. */
  readonly config?: Partial<Config>;
  /** Where the data is kept while the test runs: in memory where the system has a file system there, else its temporary directory. */
  readonly directory?: string;
}

/** What a relay had on its disk. */
export interface Checkpoint {
  readonly directory: string;
}

const MEMORY_DIRECTORY = '/dev/shm';
/** One program plays all devices, so the rates of one address are not what is tested. */
const RATES_OFF: Partial<Config> = {
  'limits.requests-per-minute': 0,
  'limits.native-requests-per-minute': 0,
  'limits.connections-per-minute': 0,
  'limits.address-connections-max': 0,
};

/** Starts a relay of its own; several run side by side. */
export async function startTestRelay({ config, directory = memoryDirectory() }: TestRelayOptions = {}): Promise<TestRelay> {
  const root = await mkdtemp(join(directory, `sealrelay-test-${process.pid}-`));
  const core = new Core(configFrom({ ...RATES_OFF, ...config, host: '127.0.0.1', port: 0, 'data-dir': join(root, 'data') }));
  try {
    await core.start();
    return new TestRelay(root, core, await FaultyNetwork.before(() => core.info.port));
  } catch (cause) {
    await core.stop();
    await rm(root, { recursive: true, force: true });
    throw cause;
  }
}

/** The real relay in this process, behind a network that can be made bad. */
export class TestRelay {
  /** What stands between the devices and the relay: the place for faults. */
  readonly network: FaultyNetwork;
  readonly #root: string;
  readonly #core: Core;
  #checkpoints = 0;

  /** Tests get it from startTestRelay. */
  constructor(root: string, core: Core, network: FaultyNetwork) {
    this.#root = root;
    this.#core = core;
    this.network = network;
  }

  /** What devices are given. It stays the same over restarts. */
  get address(): string {
    return relayAddress({ ...this.#core.info, port: this.network.port });
  }

  /** One snapshot of all counters and gauges; null while it is stopped. */
  stats(): RelayStats | null {
    return this.#core.stats();
  }

  /** Cuts every connection, stops the relay and starts it again on what is on its disk. */
  async restart(): Promise<void> {
    await this.#whileStopped(async () => undefined);
  }

  /** Keeps what is on the relay's disk now; the relay is away for a moment. */
  async checkpoint(): Promise<Checkpoint> {
    this.#checkpoints += 1;
    const directory = join(this.#root, `checkpoint-${this.#checkpoints}`);
    await this.#whileStopped(() => cp(this.#data, directory, { recursive: true }));
    return { directory };
  }

  /** Puts a backup back as an honest operator does: the relay says what it lost, and devices push it again. */
  async restore(checkpoint: Checkpoint): Promise<void> {
    await this.#whileStopped(async () => {
      await this.#putBack(checkpoint);
      await resetLog(this.#data);
    });
  }

  /** Puts a backup back and says nothing: the relay lies, and devices report a rollback. */
  async rollBack(checkpoint: Checkpoint): Promise<void> {
    await this.#whileStopped(() => this.#putBack(checkpoint));
  }

  /** Ends it; nothing of it is left. */
  async stop(): Promise<void> {
    await this.network.close();
    await this.#core.stop();
    await rm(this.#root, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#root, 'data');
  }

  async #putBack({ directory }: Checkpoint): Promise<void> {
    await rm(this.#data, { recursive: true, force: true });
    await cp(directory, this.#data, { recursive: true });
  }

  async #whileStopped(work: () => Promise<void>): Promise<void> {
    // Who came to a relay that stops would be told to return some seconds later; who was refused would wait longer and longer.
    this.network.hold();
    this.network.cut();
    await this.#core.stop();
    await work();
    await this.#core.start();
    this.network.release();
  }
}

function memoryDirectory(): string {
  try {
    accessSync(MEMORY_DIRECTORY, constants.W_OK);
    return MEMORY_DIRECTORY;
  } catch {
    return tmpdir();
  }
}
