// Requests as they come, read strictly: what is not understood is refused, because an entry's id would be computed without it.
import type { CidEntry, Entry, KeyHint, TextEntry } from '../entry.js';
import type { Address } from '../wire.js';
import { ADDRESS_CHARS_MAX, ADDRESSES_MAX, CHALLENGE_BYTES_MAX, ENTRIES_MAX, PARENTS_MAX, SUBTREES_MAX, TEXT_CHARS_MAX, TIPS_MAX } from './limits.js';
import { Refusal } from './refusal.js';

/** The proof that dialect C has for a question for a tree. */
export interface TreeProof {
  readonly key: string;
  readonly timestampMs: number;
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
}

/** A greeting. */
export interface Greeting {
  readonly publicKey: string;
  readonly displayName: string | null;
  readonly version: number;
  readonly challenge: Uint8Array;
  readonly listenAddresses: readonly Address[];
  /** The answer to a challenge of ours, from a peer of this project. */
  readonly answered: { readonly challenge: Uint8Array; readonly signature: Uint8Array } | null;
}

export type ServedRequest =
  | { readonly kind: 'handshake'; readonly greeting: Greeting }
  | { readonly kind: 'sync-tree'; readonly tree: string; readonly tips: readonly string[]; readonly proof: TreeProof | null }
  | { readonly kind: 'send-entries'; readonly entries: readonly Entry[] }
  | { readonly kind: 'get-tips'; readonly tree: string }
  | { readonly kind: 'get-entries'; readonly ids: readonly string[] };

type Fields = Readonly<Record<string, unknown>>;

/** Half of a surrogate pair has no bytes of its own: two texts that differ in it would have one id. */
const HALF_CHARACTER = /\p{Surrogate}/u;

const malformed = (what: string): Refusal => new Refusal(422, `Failed to deserialize the JSON body into the target type: ${what}`);

/** Reads the body of a request, or throws. */
export function readRequest(body: Uint8Array): ServedRequest {
  const [kind, value, ...rest] = Object.entries(record(parsed(body), 'a request')).flat();
  if (typeof kind !== 'string' || rest.length > 0) throw malformed('a request has one kind');
  switch (kind) {
    case 'Handshake':
      return { kind: 'handshake', greeting: readGreeting(record(value, kind)) };
    case 'SyncTree': {
      const said = record(value, kind);
      const proof = said['auth'] === undefined || said['auth'] === null ? null : readProof(record(said['auth'], 'auth'));
      return { kind: 'sync-tree', tree: text(said['tree_id'], 'tree_id'), tips: texts(said['our_tips'], TIPS_MAX, 'our_tips'), proof };
    }
    case 'SendEntries':
      return { kind: 'send-entries', entries: list(value, ENTRIES_MAX, kind).map(readEntry) };
    case 'GetTips':
      return { kind: 'get-tips', tree: text(record(value, kind)['tree_id'], 'tree_id') };
    case 'GetEntries':
      return { kind: 'get-entries', ids: texts(record(value, kind)['entry_ids'], TIPS_MAX, 'entry_ids') };
    default:
      throw malformed(`unknown request ${kind.slice(0, 50)}`);
  }
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new Refusal(400, `Failed to parse the request body as JSON: ${cause instanceof Error ? cause.message : 'no text'}`);
  }
}

function readGreeting(said: Fields): Greeting {
  const { public_key, display_name, protocol_version, challenge, listen_addresses, sealrelay } = said;
  const answered = sealrelay === undefined || sealrelay === null ? null : record(sealrelay, 'sealrelay');
  return {
    publicKey: text(public_key, 'public_key'),
    displayName: typeof display_name === 'string' ? display_name.slice(0, TEXT_CHARS_MAX) : null,
    version: count(protocol_version, 'protocol_version'),
    challenge: bytes(challenge, 1024, 'challenge'),
    listenAddresses: listen_addresses === undefined ? [] : list(listen_addresses, 1000, 'listen_addresses').slice(0, ADDRESSES_MAX).map(readAddress),
    answered: answered === null ? null : { challenge: bytes(answered['relay_challenge'], CHALLENGE_BYTES_MAX, 'relay_challenge'), signature: bytes(answered['signature'], 64, 'signature') },
  };
}

function readAddress(value: unknown): Address {
  const { transport_type, address } = record(value, 'listen_addresses');
  return { transport_type: text(transport_type, 'transport_type'), address: text(address, 'address', ADDRESS_CHARS_MAX) };
}

function readProof({ key, timestamp_ms, nonce, signature }: Fields): TreeProof {
  return { key: text(key, 'key'), timestampMs: count(timestamp_ms, 'timestamp_ms'), nonce: bytes(nonce, 32, 'nonce'), signature: bytes(signature, 64, 'signature') };
}

/** An entry with nothing in it but what it may have, in the fields of its dialect. */
export function readEntry(value: unknown): Entry {
  const entry = record(value, 'an entry');
  only(entry, ['_v', 'tree', 'subtrees', 'sig'], 'an entry');
  if (entry['_v'] !== undefined && entry['_v'] !== 0) throw malformed('an entry of another version');
  const key = record(entry['sig'], 'sig')['key'];
  return typeof key === 'object' && key !== null && !Array.isArray(key) ? readCidEntry(entry) : readTextEntry(entry);
}

function readTextEntry(entry: Fields): TextEntry {
  const [tree, sig] = [record(entry['tree'], 'tree'), record(entry['sig'], 'sig')];
  only(tree, ['root', 'parents', 'metadata'], 'tree');
  only(sig, ['sig', 'key', 'pubkey'], 'sig');
  return {
    tree: { root: tree['root'] === undefined ? '' : id(tree['root']), parents: texts(tree['parents'], PARENTS_MAX, 'parents'), metadata: optional(tree['metadata'], content) ?? null },
    subtrees: list(entry['subtrees'], SUBTREES_MAX, 'subtrees').map((value) => {
      const subtree = record(value, 'a subtree');
      only(subtree, ['name', 'parents', 'data'], 'a subtree');
      return { name: content(subtree['name']), parents: texts(subtree['parents'], PARENTS_MAX, 'parents'), data: content(subtree['data']) };
    }),
    sig: {
      sig: optional(sig['sig'], content) ?? null,
      key: Array.isArray(sig['key']) ? list(sig['key'], PARENTS_MAX, 'key').map(readNameStep) : content(sig['key']),
      ...(sig['pubkey'] === undefined || sig['pubkey'] === null ? {} : { pubkey: content(sig['pubkey']) }),
    },
  };
}

function readNameStep(value: unknown): { key: string; tips: readonly string[] | null } {
  const step = record(value, 'key');
  only(step, ['key', 'tips'], 'key');
  return { key: content(step['key']), tips: optional(step['tips'], (tips) => texts(tips, PARENTS_MAX, 'tips')) ?? null };
}

function readCidEntry(entry: Fields): CidEntry {
  const [tree, sig] = [record(entry['tree'], 'tree'), record(entry['sig'], 'sig')];
  only(tree, ['root', 'parents', 'metadata', 'h'], 'tree');
  only(sig, ['sig', 'key'], 'sig');
  const root = optional(tree['root'], id);
  return {
    tree: { ...given('root', root), parents: texts(tree['parents'], PARENTS_MAX, 'parents'), ...given('metadata', optional(tree['metadata'], payload)), ...given('h', optional(tree['h'], height)) },
    subtrees: list(entry['subtrees'], SUBTREES_MAX, 'subtrees').map((value) => {
      const subtree = record(value, 'a subtree');
      only(subtree, ['name', 'parents', 'data', 'h'], 'a subtree');
      return { name: content(subtree['name']), parents: texts(subtree['parents'], PARENTS_MAX, 'parents'), ...given('data', optional(subtree['data'], payload)), ...given('h', optional(subtree['h'], height)) };
    }),
    sig: { ...given('sig', optional(sig['sig'], content)), key: readKey(record(sig['key'], 'key')) },
  };
}

function readKey(key: Fields): CidEntry['sig']['key'] {
  only(key, ['Direct', 'Delegation'], 'key');
  if (key['Direct'] !== undefined && key['Delegation'] === undefined) {
    const direct = record(key['Direct'], 'Direct');
    only(direct, ['hint'], 'Direct');
    return { Direct: { hint: readHint(direct['hint']) } };
  }
  if (key['Direct'] !== undefined) throw malformed('a key of two kinds');
  const delegation = record(key['Delegation'], 'Delegation');
  only(delegation, ['path', 'hint'], 'Delegation');
  const path = list(delegation['path'], PARENTS_MAX, 'path').map((value) => {
    const step = record(value, 'path');
    only(step, ['tree', 'tips'], 'path');
    return { tree: id(step['tree']), tips: texts(step['tips'], PARENTS_MAX, 'tips') };
  });
  return { Delegation: { path, hint: readHint(delegation['hint']) } };
}

function readHint(value: unknown): KeyHint {
  const hint = record(value, 'hint');
  only(hint, ['pubkey', 'name', 'is_global'], 'hint');
  if (hint['is_global'] !== undefined && typeof hint['is_global'] !== 'boolean') throw malformed('is_global');
  return { ...given('pubkey', optional(hint['pubkey'], content)), ...given('name', optional(hint['name'], content)), ...(hint['is_global'] === true ? { is_global: true } : {}) };
}

function given<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [key in K]?: V });
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value);
}

function record(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(what);
  return value as Fields;
}

function only(fields: Fields, names: readonly string[], what: string): void {
  const unknown = Object.keys(fields).find((name) => !names.includes(name));
  if (unknown !== undefined) throw malformed(`${what} has an unknown field ${unknown.slice(0, 50)}`);
}

function list(value: unknown, max: number, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(what);
  if (value.length > max) throw malformed(`${what} has more than ${max} items`);
  return value;
}

function texts(value: unknown, max: number, what: string): readonly string[] {
  return list(value, max, what).map((item) => text(item, what));
}

function text(value: unknown, what: string, charsMax = TEXT_CHARS_MAX): string {
  if (typeof value !== 'string' || value.length > charsMax || HALF_CHARACTER.test(value)) throw malformed(what);
  return value;
}

const id = (value: unknown): string => text(value, 'an id');

/** Text that only the limits of the request bound. */
function content(value: unknown): string {
  if (typeof value !== 'string' || HALF_CHARACTER.test(value)) throw malformed('a text of an entry');
  return value;
}

function payload(value: unknown): readonly number[] {
  return [...bytes(value, Infinity, 'data')];
}

function bytes(value: unknown, max: number, what: string): Uint8Array {
  if (!Array.isArray(value) || value.length > max || !value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) throw malformed(what);
  return Uint8Array.from(value as number[]);
}

function count(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw malformed(what);
  return value as number;
}

const height = (value: unknown): number => count(value, 'h');
