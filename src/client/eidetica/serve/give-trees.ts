// What callers get of trees: what they lack, parents first, as much of it as one answer takes.
import { treeOf } from '../entry.js';
import type { Entry } from '../entry.js';
import { ancestorsOf, idsParentsFirst } from '../entry-backend.js';
import type { EntryBackend } from '../entry-backend.js';
import { ANCESTORS_MAX } from '../limits.js';
import type { TreeAccess } from './access.js';
import { ASKED_ANCESTORS_MAX, PART_BYTES_MAX, PART_ENTRIES_MAX, WALK_ENTRIES_MAX } from './limits.js';
import { said } from './refusal.js';

/** The first part of what somebody lacks, and the tips of what it has with it. */
interface Part {
  readonly entries: readonly Entry[];
  readonly tips: readonly string[];
}

/** Answers `SyncTree`: the tree from its root on for who has nothing of it, and what is lacking for who has something. */
export async function syncTree(backend: EntryBackend, tree: string, theirTips: readonly string[], bytesMax: number): Promise<{ readonly answer: unknown; readonly sent: number }> {
  const tips = await backend.tips(tree);
  if (theirTips.length === 0 && tips.length === 0) throw said(`Tree not found: ${tree}`);
  const { entries, tips: told } = await lackingPart(backend, tips, theirTips, bytesMax);
  if (theirTips.length > 0) return { answer: { Incremental: { tree_id: tree, their_tips: told, missing_entries: entries } }, sent: entries.length };
  const [root, ...others] = entries;
  return { answer: { Bootstrap: { tree_id: tree, root_entry: root, all_entries: others, key_approved: false, granted_permission: null } }, sent: entries.length };
}

async function lackingPart(backend: EntryBackend, ourTips: readonly string[], theirTips: readonly string[], bytesMax: number): Promise<Part> {
  const had = await ancestorsOf(backend, theirTips, ANCESTORS_MAX);
  const ids = idsParentsFirst(await parentsOfLacking(backend, ourTips, had, WALK_ENTRIES_MAX));
  const entries = new Map<string, Entry>();
  let bytes = 0;
  for (const id of ids) {
    if (entries.size >= PART_ENTRIES_MAX || bytes >= Math.min(bytesMax, PART_BYTES_MAX)) break;
    const entry = await backend.get(id);
    if (entry === undefined) break;
    const size = JSON.stringify(entry).length;
    if (entries.size > 0 && bytes + size > bytesMax) break;
    entries.set(id, entry);
    bytes += size;
  }
  const isWhole = entries.size === ids.length;
  return { entries: [...entries.values()], tips: isWhole ? ourTips : tipsWith(theirTips.filter((tip) => had.has(tip)), entries) };
}

/** Were a peer told the tips of the whole tree, it would send back all it has, because it cannot know that they come after its own. */
function tipsWith(tips: readonly string[], entries: ReadonlyMap<string, Entry>): readonly string[] {
  const all = new Set([...tips, ...entries.keys()]);
  for (const entry of entries.values()) for (const parent of entry.tree.parents) all.delete(parent);
  return [...all];
}

/** Entries from these tips down to what somebody has, with their parents; of entries themselves none is kept, as they may be many. */
async function parentsOfLacking(backend: EntryBackend, tips: readonly string[], had: ReadonlySet<string>, max: number): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  const waiting = [...tips];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (had.has(id) || found.has(id)) continue;
    const entry = await backend.get(id);
    if (entry === undefined) continue;
    if (found.size >= max) throw said('the tips are too far apart for one answer');
    found.set(id, entry.tree.parents);
    waiting.push(...entry.tree.parents);
  }
  return found;
}

/** Answers `GetTips` of dialect A. */
export async function getTips(backend: EntryBackend, tree: string): Promise<unknown> {
  return { Tips: { tree_id: tree, tips: await backend.tips(tree) } };
}

/** Answers `GetEntries` of dialect A: who pulls there asks for tips alone and wants their parents to be there already, so ancestors come first. */
export async function getEntries(backend: EntryBackend, ids: readonly string[], access: (tree: string) => Promise<TreeAccess>, bytesMax: number): Promise<unknown> {
  const asked = new Map<string, Entry>();
  for (const id of ids) {
    const entry = await backend.get(id);
    if (entry === undefined || (await access(treeOf(entry, id))) === 'none') throw said(`Entry not found: ${id}`);
    asked.set(id, entry);
  }
  const parents = new Map([...asked].map(([id, entry]) => [id, entry.tree.parents]));
  const given = new Map(asked);
  let bytes = [...asked.values()].reduce((sum, entry) => sum + JSON.stringify(entry).length, 0);
  const waiting = [...parents.values()].flat();
  // A list that grows while it is gone through: the nearest ancestors first.
  for (const id of waiting) {
    if (given.has(id)) continue;
    if (given.size - asked.size >= ASKED_ANCESTORS_MAX || bytes >= Math.min(bytesMax, PART_BYTES_MAX)) break;
    const entry = await backend.get(id);
    if (entry === undefined) continue;
    given.set(id, entry);
    bytes += JSON.stringify(entry).length;
    parents.set(id, entry.tree.parents);
    waiting.push(...entry.tree.parents);
  }
  return { Entries: { entries: idsParentsFirst(parents).flatMap((id) => given.get(id) ?? []) } };
}
