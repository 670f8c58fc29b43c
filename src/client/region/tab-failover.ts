/*
 * A failover of a space in tabs: the tab that leads asks the regions and moves the space, the others are told. Who leads next goes on in the
 * region it heard of last, so a move in whose midst a tab ends is finished by the next one.
 */
import { ClientError } from '../client-error.js';
import type { LedTabs, TabRegions } from '../tabs/tab-regions.js';
import { heardError, toldError } from '../tabs/tab-channel.js';
import type { ToldError } from '../tabs/tab-channel.js';
import type { TabSpace } from '../tabs/tab-space.js';
import { failover } from './failover.js';
import { RegionFailover } from './region-failover.js';
import type { FailoverState, RegionFailoverOptions } from './region-failover.js';

/** As of a RegionFailover; the tabs open the space. */
export type TabFailoverOptions = Omit<RegionFailoverOptions, 'open'>;

type Told = Omit<FailoverState, 'space' | 'error'> & { readonly error: ToldError | null };

/** Keeps a space that tabs share at the first region of a list that works: the option `regions` of openSpaceInTabs. A store that a user interface can show, the same in every tab. */
export class TabFailover implements TabRegions {
  readonly parts = [failover];
  readonly #options: TabFailoverOptions;
  readonly #listeners = new Set<() => void>();
  readonly #initial: FailoverState<never>;
  #state: FailoverState<TabSpace>;
  #tab: TabSpace | null = null;
  #told: Told | undefined;
  #heard = '';
  #led: RegionFailover | undefined;

  /** Throws `bad_option` and `bad_address`. */
  constructor(options: TabFailoverOptions) {
    this.#options = options;
    this.#initial = { ...new RegionFailover({ ...options, open: () => Promise.reject(new Error()) }).getSnapshot(), space: null };
    this.#state = this.#initial;
  }

  /** Calls the listener after each change; the returned function ends it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const entry = (): void => listener();
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  };

  /** How it stands in the tab that leads; the same object until something changes. `space` is that of the tabs: it stays over every move, and what is pushed on the way is kept. */
  readonly getSnapshot = (): FailoverState<TabSpace> => this.#state;

  /** The next five are for the tabs. */
  get told(): unknown {
    return this.#told;
  }

  get hasUnsyncedChanges(): boolean {
    return this.#led?.hasUnsyncedChanges ?? false;
  }

  attach(tab: TabSpace | null): void {
    if (tab !== null && this.#tab !== null) throw new ClientError('bad_option', 'each space in tabs needs a TabFailover of its own');
    this.#tab = tab;
    this.#told = undefined;
    this.#heard = '';
    this.#change(tab === null ? { ...this.#state, phase: 'closed', space: null } : this.#initial);
  }

  hear(told: unknown): void {
    // A tab with an older app may lead, and tell nothing.
    const text = JSON.stringify(told);
    if (told === undefined || text === this.#heard || this.#tab === null) return;
    this.#heard = text;
    this.#told = told as Told;
    const { error } = this.#told;
    this.#change({ ...this.#told, space: this.#tab, error: error === null ? null : heardError(error) });
  }

  async lead({ open, pause, changed, signal }: LedTabs): Promise<void> {
    const led = new RegionFailover({ ...this.#options, open });
    this.#led = led;
    // A change of the tab that leads is none of the region.
    let isShown = this.#told === undefined;
    led.subscribe(() => {
      const { space, ...state } = led.getSnapshot();
      if (state.phase === 'closed') return;
      if (space === null) pause();
      isShown ||= space !== null;
      if (isShown) this.#told = { ...state, error: state.error === null ? null : toldError(state.error) };
      changed();
    });
    const over = new AbortController();
    const ended = new Promise<void>((resolve) => {
      const end = (): void => resolve(led.close());
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { signal: over.signal });
    });
    try {
      await led.start(this.#told?.regionId);
      await ended;
    } finally {
      over.abort();
      this.#led = undefined;
    }
  }

  #change(state: FailoverState<TabSpace>): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) listener();
  }
}
