// A device that fails over between regions, its app a list of texts, through all its lives.
import { createSpace, MemoryDeviceStore, openSpace } from '../../src/client/node.js';
import type { FailoverRegion, FailoverTiming, Space } from '../../src/client/node.js';
import { failover, RegionFailover } from '../../src/client/region/index.js';
import { snapshots } from '../../src/client/snapshots/index.js';
import { bytes } from './test-space.js';

const RECEIPT_MS_MAX = 30_000;

export class FailoverDevice {
  readonly storage = new MemoryDeviceStore();
  /** What the app was handed, in its order, entries and states alike. */
  readonly texts: string[] = [];
  /** Findings and errors. */
  readonly told: string[] = [];
  failover!: RegionFailover;
  readonly #regions: readonly FailoverRegion[];
  readonly #returnAfterMs: number;
  readonly #snapshot = {
    create: () => bytes(JSON.stringify(this.texts)),
    load: (state: Uint8Array) => {
      const texts: string[] = JSON.parse(new TextDecoder().decode(state));
      for (const text of texts) if (!this.texts.includes(text)) this.texts.push(text);
    },
  };

  readonly #failsOver: boolean;

  readonly #timing: Partial<FailoverTiming>;

  /** `failsOver` false: as if the relays were copies of each other. */
  constructor(regions: readonly FailoverRegion[], returnAfterMs: number, failsOver = true, timing: Partial<FailoverTiming> = {}) {
    this.#timing = timing;
    this.#regions = regions;
    this.#returnAfterMs = returnAfterMs;
    this.#failsOver = failsOver;
  }

  get space(): Space {
    const { space } = this.failover.getSnapshot();
    if (space === null) throw new Error('the space is on its way');
    return space;
  }

  get regionId(): string | null {
    const { regionId, space } = this.failover.getSnapshot();
    return space?.status.status === 'online' ? regionId : null;
  }

  /** The first device of a space. */
  async found(): Promise<Space> {
    const relay = this.#regions[0]?.relay ?? '';
    const space = await createSpace({ relay, storage: this.storage, parts: this.#failsOver ? [failover] : [], offline: true });
    await space.close();
    const started = await this.start();
    await started.whenSynced();
    return started;
  }

  /** Opens the device, a new one by the link; again after close(). */
  start(link?: string): Promise<Space> {
    const open = async (relay: string): Promise<Space> =>
      this.#live(await openSpace({ relay, storage: this.storage, parts: [snapshots(this.#snapshot), ...(this.#failsOver ? [failover] : [])], batchWindowMs: 0, ...(link === undefined ? {} : { link }) }));
    this.failover = new RegionFailover({ regions: this.#regions, returnAfterMs: this.#returnAfterMs, timing: this.#timing, open });
    return this.failover.start();
  }

  async push(...texts: readonly string[]): Promise<void> {
    for (const text of texts) await this.space.push(bytes(text)).durable('relay', { signal: AbortSignal.timeout(RECEIPT_MS_MAX) });
  }

  #live(space: Space): Space {
    space.subscribe(({ items }) => this.texts.push(...items.map((item) => new TextDecoder().decode(item))));
    space.on('misbehaviour', ({ kind, detail }) => this.told.push(`${kind}: ${detail}`));
    space.on('error', ({ code, message }) => this.told.push(`${code}: ${message}`));
    return space;
  }
}
