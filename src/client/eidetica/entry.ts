// Entries as they are on the wire, and what everybody computes of them: their id, which they never carry, and whether they were
// signed by the key they name.
import { sha256 } from '@noble/hashes/sha2.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { toHex } from '../../protocol/hex.js';
import { cidBytes, cidOfEntry } from './cid.js';
import { encodeDagCbor, Link } from './dag-cbor.js';
import type { Node } from './dag-cbor.js';
import { fromBase64, publicKeyBytes } from './keys.js';

/** How ids are written: `a` bare SHA-256, `b` with `sha256:` before it, `c` CIDs. */
export type Dialect = 'a' | 'b' | 'c';

/** An entry of dialects A and B. */
export interface TextEntry {
  readonly tree: { readonly root: string; readonly parents: readonly string[]; readonly metadata: string | null };
  readonly subtrees: readonly { readonly name: string; readonly parents: readonly string[]; readonly data: string }[];
  readonly sig: { readonly sig: string | null; readonly key: string | readonly { readonly key: string; readonly tips: readonly string[] | null }[]; readonly pubkey?: string };
}

/** Which key signed an entry of dialect C. */
export interface KeyHint {
  readonly pubkey?: string;
  readonly name?: string;
  readonly is_global?: boolean;
}

/** An entry of dialect C; bytes are lists of numbers. */
export interface CidEntry {
  readonly tree: { readonly root?: string; readonly parents: readonly string[]; readonly metadata?: readonly number[]; readonly h?: number };
  readonly subtrees: readonly { readonly name: string; readonly parents: readonly string[]; readonly data?: readonly number[]; readonly h?: number }[];
  readonly sig: {
    readonly sig?: string;
    readonly key:
      | { readonly Direct: { readonly hint: KeyHint } }
      | { readonly Delegation: { readonly path: readonly { readonly tree: string; readonly tips: readonly string[] }[]; readonly hint: KeyHint } };
  };
}

/** An entry of any dialect. */
export type Entry = TextEntry | CidEntry;

const TEXT = new TextEncoder();

/** Whether an entry is of dialect C. */
export function isCidEntry(entry: Entry): entry is CidEntry {
  const { key } = entry.sig;
  return typeof key === 'object' && !Array.isArray(key);
}

/** The bytes that are hashed for the id; `unsigned` are those that are signed. */
export function canonicalBytes(entry: Entry, unsigned = false): Uint8Array {
  return isCidEntry(entry) ? encodeDagCbor(cidNode(entry, unsigned)) : TEXT.encode(textJson(entry, unsigned));
}

/** The id of an entry. A and B write the same bytes, so which of the two it is has to be said. */
export function entryId(entry: Entry, dialect: Dialect): string {
  if (isCidEntry(entry)) return cidOfEntry(canonicalBytes(entry));
  const hex = toHex(sha256(canonicalBytes(entry)));
  return dialect === 'a' ? hex : `sha256:${hex}`;
}

/** The dialect of an id. */
export function dialectOf(id: string): Dialect {
  if (id.startsWith('sha256:') || id.startsWith('blake3:')) return 'b';
  return cidBytes(id) === undefined ? 'a' : 'c';
}

/** The id of the tree an entry is in; its own id when it begins one. */
export function treeOf(entry: Entry, id: string): string {
  const { root } = entry.tree;
  return root === undefined || root === '' ? id : root;
}

/** Whether an entry was signed by the key it names; null when it names none, or is not signed. */
export async function isSignedAsNamed(entry: Entry, ed25519: Ed25519): Promise<boolean | null> {
  const named = isCidEntry(entry) ? hintOf(entry).pubkey : (entry.sig.pubkey ?? (typeof entry.sig.key === 'string' ? entry.sig.key : undefined));
  const key = named === undefined ? undefined : publicKeyBytes(named);
  if (key === undefined || entry.sig.sig === null || entry.sig.sig === undefined) return null;
  const signature = fromBase64(entry.sig.sig);
  return signature !== undefined && ed25519.verify(key, canonicalBytes(entry, true), signature);
}

function hintOf({ sig: { key } }: CidEntry): KeyHint {
  return 'Direct' in key ? key.Direct.hint : key.Delegation.hint;
}

/** Compact JSON with the fields in their order, whatever order they came in. */
function textJson({ tree, subtrees, sig }: TextEntry, unsigned: boolean): string {
  const key = typeof sig.key === 'string' ? sig.key : sig.key.map((step) => ({ key: step.key, tips: step.tips }));
  return JSON.stringify({
    tree: { root: tree.root, parents: tree.parents, metadata: tree.metadata ?? null },
    subtrees: subtrees.map(({ name, parents, data }) => ({ name, parents, data })),
    sig: { sig: unsigned ? null : sig.sig, key, ...(sig.pubkey === undefined ? {} : { pubkey: sig.pubkey }) },
  });
}

function cidNode({ tree, subtrees, sig }: CidEntry, unsigned: boolean): Node {
  const bytes = (list: readonly number[] | undefined): Uint8Array | undefined => (list === undefined ? undefined : Uint8Array.from(list));
  const key = 'Direct' in sig.key ? { Direct: { hint: hintNode(sig.key.Direct.hint) } } : { Delegation: delegationNode(sig.key.Delegation) };
  return {
    tree: {
      root: tree.root === undefined ? undefined : linkTo(tree.root),
      parents: tree.parents.map(linkTo),
      metadata: bytes(tree.metadata),
      h: tree.h === 0 ? undefined : tree.h,
    },
    subtrees: subtrees.map(({ name, parents, data, h }) => ({ name, parents: parents.map(linkTo), data: bytes(data), h })),
    sig: { sig: unsigned ? undefined : sig.sig, key },
  };
}

function hintNode({ pubkey, name, is_global }: KeyHint): Node {
  return { pubkey, name, is_global: is_global === true ? true : undefined };
}

function delegationNode({ path, hint }: { readonly path: readonly { readonly tree: string; readonly tips: readonly string[] }[]; readonly hint: KeyHint }): Node {
  return { path: path.map(({ tree, tips }) => ({ tree: linkTo(tree), tips: tips.map(linkTo) })), hint: hintNode(hint) };
}

function linkTo(id: string): Link {
  const cid = cidBytes(id);
  if (cid === undefined) throw new TypeError(`not a CID: ${id.slice(0, 100)}`);
  return new Link(cid);
}
