// Where the app keeps its entries, and what the engine asks of it.
import { treeOf } from './entry.js';
import type { Entry } from './entry.js';
import { ANCESTORS_MAX } from './limits.js';

/** An entry with its id. */
export interface StoredEntry {
  readonly id: string;
  readonly entry: Entry;
}

/** The app's entries. */
export interface EntryBackend {
  get(id: string): Promise<Entry | undefined>;
  /** Entries of the tree that no other entry of it names as a parent; none of an unknown tree. */
  tips(tree: string): Promise<readonly string[]>;
  /** Stores entries of a tree, whose ids and signatures were checked; parents come first, and what is there already is passed over. Peers are told that all of it is kept once this resolves. */
  put(tree: string, entries: readonly StoredEntry[]): Promise<void>;
  /** How many entries the tree has, for peers that are told which trees there are; they are told 0 where it is absent. */
  count?(tree: string): Promise<number>;
}

/** Keeps entries for the life of the process. */
export class MemoryEntryBackend implements EntryBackend {
  readonly #entries = new Map<string, Entry>();
  readonly #tips = new Map<string, Set<string>>();
  readonly #counts = new Map<string, number>();

  async get(id: string): Promise<Entry | undefined> {
    return this.#entries.get(id);
  }

  async tips(tree: string): Promise<readonly string[]> {
    return [...(this.#tips.get(tree) ?? [])];
  }

  async put(tree: string, entries: readonly StoredEntry[]): Promise<void> {
    for (const { id, entry } of entries) {
      if (this.#entries.has(id) || treeOf(entry, id) !== tree) continue;
      this.#entries.set(id, entry);
      this.#counts.set(tree, (this.#counts.get(tree) ?? 0) + 1);
      const tips = this.#tips.get(tree) ?? new Set();
      this.#tips.set(tree, tips);
      for (const parent of entry.tree.parents) tips.delete(parent);
      tips.add(id);
    }
  }

  async count(tree: string): Promise<number> {
    return this.#counts.get(tree) ?? 0;
  }

  get size(): number {
    return this.#entries.size;
  }
}

/** What a peer with these tips lacks of what we have, parents first. An unknown tip of it is no reason to send less. */
export async function lackingOf(backend: EntryBackend, ourTips: readonly string[], theirTips: readonly string[]): Promise<readonly StoredEntry[]> {
  const theirs = new Set(theirTips);
  const open = ourTips.filter((tip) => !theirs.has(tip));
  if (open.length === 0) return [];
  const had = await ancestorsOf(backend, theirTips, ANCESTORS_MAX);
  const found = new Map<string, Entry>();
  const waiting = [...open];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (had.has(id) || found.has(id)) continue;
    const entry = await backend.get(id);
    if (entry === undefined) continue;
    found.set(id, entry);
    waiting.push(...entry.tree.parents);
  }
  return parentsFirst(found);
}

/** These and all that come before them, as far as they are known here; not more than so many, as sending too much is harmless. */
export async function ancestorsOf(backend: EntryBackend, ids: readonly string[], max: number): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  const waiting = [...ids];
  // A list that grows while it is gone through.
  for (const id of waiting) {
    if (seen.size >= max) break;
    if (seen.has(id)) continue;
    const entry = await backend.get(id);
    if (entry === undefined) continue;
    seen.add(id);
    waiting.push(...entry.tree.parents);
  }
  return seen;
}

/** Each entry behind those of its parents that are among them. */
export function parentsFirst(entries: ReadonlyMap<string, Entry>): readonly StoredEntry[] {
  const parents = new Map([...entries].map(([id, entry]) => [id, entry.tree.parents]));
  return idsParentsFirst(parents).flatMap((id) => {
    const entry = entries.get(id);
    return entry === undefined ? [] : [{ id, entry }];
  });
}

/** The same of ids with their parents. */
export function idsParentsFirst(parentsOf: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const ordered: string[] = [];
  const placed = new Set<string>();
  for (const start of parentsOf.keys()) {
    // Depth first with a stack of our own: histories are longer than the stack of calls.
    const path = [start];
    for (let id = path.at(-1); id !== undefined; id = path.at(-1)) {
      const parents = placed.has(id) ? undefined : parentsOf.get(id);
      const parent = parents?.find((other) => parentsOf.has(other) && !placed.has(other));
      if (parent !== undefined) {
        path.push(parent);
        continue;
      }
      path.pop();
      if (parents === undefined) continue;
      placed.add(id);
      ordered.push(id);
    }
  }
  return ordered;
}
