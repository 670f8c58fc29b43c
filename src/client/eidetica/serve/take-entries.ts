// `SendEntries`: what may be stored of a request is stored, parents first; everything else is refused by name, because an acknowledgement
// of less than all would let the peer believe that all of it is kept.
import type { Ed25519 } from '../../../protocol/ed25519.js';
import { treeOf } from '../entry.js';
import type { Dialect, Entry } from '../entry.js';
import { parentsFirst } from '../entry-backend.js';
import type { EntryBackend, StoredEntry } from '../entry-backend.js';
import type { TreeAccess } from './access.js';
import { dialectsOf, judge } from './judge.js';
import type { Judged } from './judge.js';
import { Refusal, said } from './refusal.js';

export interface TakeContext {
  readonly backend: EntryBackend;
  readonly ed25519: Ed25519;
  /** What the sender may do with a tree. */
  readonly access: (tree: string) => Promise<TreeAccess>;
  /** Hears what was stored, by tree. */
  readonly stored: (tree: string, ids: readonly string[]) => void;
}

/** Stores what may be stored of a request; throws when that is not all of it. The answer otherwise. */
export async function takeEntries(context: TakeContext, entries: readonly Entry[]): Promise<unknown> {
  const refused: string[] = [];
  const trees = new Map<string, Map<string, Entry>>();
  const dialects = entries.map(dialectsOf);
  for (const [index, entry] of entries.entries()) {
    const judged = await judgeOne(context, entry, ofUnnamed(dialects[index] ?? [], dialects));
    if (typeof judged === 'string') refused.push(`entry ${index} of the request: ${judged}`);
    else trees.set(judged.tree, (trees.get(judged.tree) ?? new Map<string, Entry>()).set(judged.id, judged.entry));
  }
  for (const [tree, fresh] of trees) refused.push(...(await store(context, tree, fresh)));
  const [first] = refused;
  if (first !== undefined) throw said(`${refused.length} of ${entries.length} entries refused, the others are stored; ${first}`);
  return entries.length <= 1 ? 'Ack' : { Count: entries.length };
}

/** The first entry of a tree of A or B names no id: what the others of its request name decides. */
function ofUnnamed(own: readonly Dialect[], all: readonly (readonly Dialect[])[]): readonly Dialect[] {
  if (own.length < 2) return own;
  const named = new Set(all.filter((dialects) => dialects.length === 1).flat());
  const likely = own.filter((dialect) => named.has(dialect));
  return likely.length === 1 ? likely : own;
}

/** Where more than one dialect is possible, it is the one whose tree is open to the sender. */
async function judgeOne({ ed25519, access }: TakeContext, entry: Entry, dialects: readonly Dialect[]): Promise<Judged | string> {
  let words = 'it names ids of two dialects';
  for (const dialect of dialects) {
    const judged = await judge(entry, dialect, ed25519);
    if (typeof judged === 'string') words = judged;
    else if ((await access(judged.tree)) === 'write') return judged;
    else words = 'its tree is not open to this peer for writing';
  }
  return words;
}

/** Stores what is new and has its parents; why the rest is refused. */
async function store({ backend, stored }: TakeContext, tree: string, entries: ReadonlyMap<string, Entry>): Promise<readonly string[]> {
  const refused: string[] = [];
  const taken: StoredEntry[] = [];
  const placed = new Set<string>();
  for (const { id, entry } of parentsFirst(entries)) {
    if ((await backend.get(id)) !== undefined) continue;
    const words = await whyNot(backend, tree, entry.tree.parents, placed);
    if (words !== null) {
      refused.push(`entry ${id}: ${words}`);
      continue;
    }
    placed.add(id);
    taken.push({ id, entry });
  }
  if (taken.length === 0) return refused;
  try {
    await backend.put(tree, taken);
  } catch {
    throw new Refusal(503, 'The entries cannot be stored now; try again', 1);
  }
  stored(tree, taken.map(({ id }) => id));
  return refused;
}

async function whyNot(backend: EntryBackend, tree: string, parents: readonly string[], placed: ReadonlySet<string>): Promise<string | null> {
  for (const parent of parents) {
    if (placed.has(parent)) continue;
    const known = await backend.get(parent);
    if (known === undefined) return 'a parent of it is not here; send that first';
    if (treeOf(known, parent) !== tree) return 'a parent of it is in another tree';
  }
  return null;
}
