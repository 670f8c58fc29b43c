// One entry that a peer sends: its dialect, its id, its place, and whether it was signed by whom it names.
import type { Ed25519 } from '../../../protocol/ed25519.js';
import { cidBytes } from '../cid.js';
import { entryId, isCidEntry, isSignedAsNamed, treeOf } from '../entry.js';
import type { Dialect, Entry } from '../entry.js';

/** The subtree that only the first entry of a tree has. */
const ROOT = '_root';

/** An entry that may be stored, where its tree and its parents are. */
export interface Judged {
  readonly id: string;
  readonly tree: string;
  readonly entry: Entry;
}

/** Dialects that the ids in an entry leave possible; the first entry of a tree of A or B names none. */
export function dialectsOf(entry: Entry): readonly Dialect[] {
  if (isCidEntry(entry)) return ['c'];
  const ids = [entry.tree.root, ...entry.tree.parents, ...entry.subtrees.flatMap(({ parents }) => parents)].filter((id) => id !== '');
  const prefixed = ids.filter(isPrefixed).length;
  if (ids.length === 0) return ['b', 'a'];
  if (prefixed === ids.length) return ['b'];
  return prefixed === 0 ? ['a'] : [];
}

/** The entry in this dialect, or why it is none of it. */
export async function judge(entry: Entry, dialect: Dialect, ed25519: Ed25519): Promise<Judged | string> {
  const { root, parents } = entry.tree;
  const namesTree = root !== undefined && (root !== '' || dialect === 'c');
  const ids = [...parents, ...entry.subtrees.flatMap((subtree) => subtree.parents), ...(namesTree ? [root] : [])];
  if (!ids.every((id) => isId(id, dialect))) return 'an id in it is not one of its dialect';
  if (entry.subtrees.some(({ name }) => name === '')) return 'a subtree without a name';
  const isMarked = entry.subtrees.some(({ name }) => name === ROOT);
  if (isMarked && parents.length > 0) return 'it is marked as a root and has parents';
  const beginsTree = parents.length === 0 && !namesTree && (isMarked || dialect === 'a');
  if (!beginsTree && (!namesTree || (dialect !== 'a' && parents.length === 0))) return 'it is no root, and has no parents or no tree';
  if ((await isSignedAsNamed(entry, ed25519)) === false) return 'its signature is not by the key it names';
  const id = entryId(entry, dialect);
  return { id, tree: treeOf(entry, id), entry };
}

/** Whether a text can be an id in a dialect; in A apps choose some themselves. */
function isId(id: string, dialect: Dialect): boolean {
  if (dialect === 'a') return id !== '' && !/\p{Cc}/u.test(id);
  return dialect === 'b' ? isPrefixed(id) && /^[a-z0-9]+:[0-9a-f]{64}$/.test(id) : cidBytes(id) !== undefined;
}

function isPrefixed(id: string): boolean {
  return id.startsWith('sha256:') || id.startsWith('blake3:');
}
