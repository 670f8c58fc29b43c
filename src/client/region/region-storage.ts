// What a device remembers of regions between runs: the choice of its user, and the list, for when no relay answers.
import { parseRegions } from './region-list.js';
import type { Region } from './region-list.js';

export interface RegionMemory {
  /** The region a user chose; null: the nearest. */
  readonly choice: string | null;
  readonly regions: readonly Region[];
}

export interface RegionStorage {
  load(): Promise<RegionMemory | null>;
  save(memory: RegionMemory): Promise<void>;
}

/** Forgets with the process. */
export class MemoryRegionStorage implements RegionStorage {
  #memory: RegionMemory | null = null;

  async load(): Promise<RegionMemory | null> {
    return this.#memory;
  }

  async save(memory: RegionMemory): Promise<void> {
    this.#memory = memory;
  }
}

/** In `localStorage`, or what looks like it. What is damaged there counts as nothing; a full or forbidden storage forgets. */
export class WebRegionStorage implements RegionStorage {
  readonly #items: Pick<Storage, 'getItem' | 'setItem'>;
  readonly #key: string;

  constructor(items: Pick<Storage, 'getItem' | 'setItem'>, key = 'sealrelay.regions') {
    this.#items = items;
    this.#key = key;
  }

  async load(): Promise<RegionMemory | null> {
    try {
      const kept: unknown = JSON.parse(this.#items.getItem(this.#key) ?? 'null');
      if (typeof kept !== 'object' || kept === null) return null;
      const choice: unknown = 'choice' in kept ? kept.choice : null;
      return { choice: typeof choice === 'string' ? choice : null, regions: parseRegions(kept) };
    } catch {
      return null;
    }
  }

  async save(memory: RegionMemory): Promise<void> {
    try {
      this.#items.setItem(this.#key, JSON.stringify(memory));
    } catch {
      // A choice that cannot be kept still holds until the page is closed.
    }
  }
}
