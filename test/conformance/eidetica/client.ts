// A client of Eidetica as small as the protocol: one endpoint, JSON both ways, answers checked for their shape; and devices that make
// entries of every dialect.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { cidBytes, cidText } from '../../../src/client/eidetica/cid.js';
import { canonicalBytes, entryId, isCidEntry } from '../../../src/client/eidetica/entry.js';
import type { CidEntry, Dialect, Entry, TextEntry } from '../../../src/client/eidetica/entry.js';
import { publicKeyText, toBase64 } from '../../../src/client/eidetica/keys.js';
import { nobleEd25519 } from '../../../src/client/crypto/ed25519-noble.js';
import type { Ed25519 } from '../../../src/protocol/ed25519.js';

export type Answer = Readonly<Record<string, unknown>> | string;

/** Incremental answers. */
export interface Incremental {
  readonly tree_id: string;
  readonly their_tips: readonly string[];
  readonly missing_entries: readonly Entry[];
}

/** Whole trees. */
export interface Bootstrap {
  readonly tree_id: string;
  readonly root_entry: Entry;
  readonly all_entries: readonly Entry[];
  readonly key_approved: boolean;
}

export interface Handshake {
  readonly device_id: string;
  readonly public_key: string;
  readonly protocol_version: number;
  readonly challenge_response: readonly number[];
  readonly new_challenge: readonly number[];
  readonly available_trees?: readonly { readonly tree_id: string; readonly entry_count: number }[];
}

export class Peer {
  readonly #url: URL;
  readonly #token: string | null;

  /** Without a token it shares a tenant with everybody else who has none. */
  constructor(url: URL, token: string | null = null) {
    this.#url = url;
    this.#token = token;
  }

  async raw(body: string, headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' }, method = 'POST'): Promise<{ status: number; text: string }> {
    const authorization = this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
    const answer = await fetch(new URL('/api/v0', this.#url), { method, headers: { ...headers, ...authorization }, ...(method === 'POST' ? { body } : {}) });
    return { status: answer.status, text: await answer.text() };
  }

  async ask(request: unknown): Promise<Answer> {
    const { status, text } = await this.raw(JSON.stringify(request));
    assert.equal(status, 200, text);
    return JSON.parse(text) as Answer;
  }

  async #field<T>(request: unknown, field: string): Promise<T> {
    const answer = await this.ask(request);
    assert.ok(typeof answer === 'object' && field in answer, `${field} was expected: ${JSON.stringify(answer).slice(0, 300)}`);
    return answer[field] as T;
  }

  send(entries: readonly Entry[]): Promise<Answer> {
    return this.ask({ SendEntries: entries });
  }

  incremental(tree: string, tips: readonly string[], auth?: object): Promise<Incremental> {
    return this.#field(syncTree(tree, tips, auth), 'Incremental');
  }

  bootstrap(tree: string, auth?: object): Promise<Bootstrap> {
    return this.#field(syncTree(tree, [], auth), 'Bootstrap');
  }

  error(request: unknown): Promise<string> {
    return this.#field(request, 'Error');
  }

  handshake(version: number, challenge: Uint8Array = randomBytes(32), more: object = {}): Promise<Handshake> {
    return this.#field(hello(version, challenge, more), 'Handshake');
  }

  async tips(tree: string): Promise<readonly string[]> {
    const { tree_id, tips } = await this.#field<{ tree_id: string; tips: readonly string[] }>({ GetTips: { tree_id: tree } }, 'Tips');
    assert.equal(tree_id, tree);
    return tips;
  }

  async entries(ids: readonly string[]): Promise<readonly Entry[]> {
    return (await this.#field<{ entries: readonly Entry[] }>({ GetEntries: { entry_ids: ids } }, 'Entries')).entries;
  }
}

/** A public key that these handshakes name and prove nothing of. */
export const NOBODY: string = publicKeyText(new Uint8Array(32));

export function hello(version: number, challenge: Uint8Array, more: object = {}): unknown {
  const common = { device_id: 'background_sync_device', public_key: NOBODY, display_name: 'conformance', protocol_version: version, challenge: [...challenge] };
  return { Handshake: { ...common, ...(version === 1 ? {} : { listen_addresses: [{ transport_type: 'http', address: '127.0.0.1:1' }] }), ...more } };
}

export function syncTree(tree: string, tips: readonly string[], auth?: object): unknown {
  const nothing = { peer_pubkey: null, requesting_key: null, requesting_key_name: null, requested_permission: null };
  return { SyncTree: { tree_id: tree, our_tips: tips, ...nothing, ...(auth === undefined ? {} : { metadata: null, auth }) } };
}

/** A key that signs entries and proofs. */
export class Device {
  readonly #ed25519: Ed25519;
  readonly #seed: Uint8Array;
  readonly publicKey: string;

  private constructor(ed25519: Ed25519, seed: Uint8Array, publicKey: Uint8Array) {
    this.#ed25519 = ed25519;
    this.#seed = seed;
    this.publicKey = publicKeyText(publicKey);
  }

  static async create(seed: Uint8Array = randomBytes(32)): Promise<Device> {
    const ed25519 = nobleEd25519();
    return new Device(ed25519, seed, await ed25519.publicKey(seed));
  }

  sign(message: Uint8Array): Promise<Uint8Array> {
    return this.#ed25519.sign(this.#seed, message);
  }

  /** The entry with this device's key and signature. */
  async signed(entry: Entry): Promise<Entry> {
    const named: Entry = isCidEntry(entry)
      ? { ...entry, sig: { key: { Direct: { hint: { pubkey: this.publicKey } } } } }
      : { ...entry, sig: { sig: null, key: '*', pubkey: this.publicKey } };
    const sig = toBase64(await this.sign(canonicalBytes(named, true)));
    return isCidEntry(named) ? { ...named, sig: { sig, key: named.sig.key } } : { ...named, sig: { ...named.sig, sig } };
  }

  /** The proof of a request of dialect C. */
  async proof(relay: string, tree: string, tips: readonly string[], { atMs = Date.now(), nonce = randomBytes(32) }: { atMs?: number; nonce?: Uint8Array } = {}): Promise<object> {
    const signature = await this.sign(proofBytes(relay, tree, tips, atMs, nonce));
    return { key: this.publicKey, timestamp_ms: atMs, nonce: [...nonce], signature: [...signature] };
  }
}

/** What a proof signs: every field behind its length. Tips are in the order of their bytes, which is not that of their texts. */
export function proofBytes(relay: string, tree: string, tips: readonly string[], atMs: number, nonce: Uint8Array): Uint8Array {
  const u64 = (value: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    return bytes;
  };
  const sorted = tips.map((tip) => Buffer.from(cidBytes(tip) ?? [])).sort(Buffer.compare);
  const fields = ['eidetica/sync/tree-request/v1', relay, tree, u64(sorted.length), ...sorted.map(cidText), u64(atMs), Buffer.from(nonce)].map((field) => Buffer.from(field));
  return Buffer.concat(fields.flatMap((field) => [u64(field.length), field]));
}

/** The first entry of a tree that nobody made before. */
export function root(dialect: Dialect): Entry {
  const metadata = JSON.stringify({ entropy: randomUUID() });
  if (dialect === 'c') {
    return { tree: { parents: [], metadata: [...Buffer.from(metadata)] }, subtrees: [{ name: '_root', parents: [], data: [] }], sig: { key: { Direct: { hint: {} } } } } satisfies CidEntry;
  }
  return { tree: { root: '', parents: [], metadata }, subtrees: [{ name: '_root', parents: [], data: '' }], sig: { sig: null, key: '' } } satisfies TextEntry;
}

/** An entry behind others. */
export function child(dialect: Dialect, tree: string, parents: readonly string[], data: string, height = 1): Entry {
  const sorted = [...parents].sort();
  if (dialect === 'c') {
    return { tree: { root: tree, parents: sorted, h: height }, subtrees: [{ name: 'data', parents: [], data: [...Buffer.from(data)] }], sig: { key: { Direct: { hint: {} } } } } satisfies CidEntry;
  }
  return { tree: { root: tree, parents: sorted, metadata: null }, subtrees: [{ name: 'data', parents: [], data }], sig: { sig: null, key: 'KEY' } } satisfies TextEntry;
}

/** A tree of so many entries, one behind the other. */
export function history(dialect: Dialect, count: number, data: (n: number) => string = String): { tree: string; entries: readonly Entry[]; ids: readonly string[] } {
  const entries = [root(dialect)];
  const ids = [entryId(entries[0]!, dialect)];
  for (let n = 1; n < count; n += 1) {
    const entry = child(dialect, ids[0]!, [ids[n - 1]!], data(n), n);
    entries.push(entry);
    ids.push(entryId(entry, dialect));
  }
  return { tree: ids[0]!, entries, ids };
}
