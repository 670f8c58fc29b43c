// Requests and answers of the sync protocol, and the reading of answers: what a peer says is checked for its shape before it is believed.
import { ClientError } from '../client-error.js';
import type { Entry } from './entry.js';
import { ERROR_CHARS_MAX } from './limits.js';

/** Where a peer is: `{transport_type: 'http', address: 'host:port'}`. */
export interface Address {
  readonly transport_type: string;
  readonly address: string;
}

/** A request, as it is on the wire. */
export type SyncRequest =
  | { readonly Handshake: HandshakeRequest }
  | { readonly SyncTree: SyncTreeRequest }
  | { readonly SendEntries: readonly Entry[] };

export interface HandshakeRequest {
  readonly device_id: string;
  readonly public_key: string;
  readonly display_name: string | null;
  readonly protocol_version: number;
  readonly challenge: readonly number[];
  readonly listen_addresses: readonly Address[];
  /** The answer to the challenge of a peer of this project. */
  readonly sealrelay?: { readonly relay_challenge: readonly number[]; readonly signature: readonly number[] };
}

export interface SyncTreeRequest {
  readonly tree_id: string;
  readonly our_tips: readonly string[];
  readonly peer_pubkey: string | null;
  readonly requesting_key: null;
  readonly requesting_key_name: null;
  readonly requested_permission: null;
  readonly metadata?: null;
  readonly auth?: { readonly key: string; readonly timestamp_ms: number; readonly nonce: readonly number[]; readonly signature: readonly number[] };
}

/** What a peer says of itself. */
export interface HandshakeAnswer {
  readonly publicKey: string;
  readonly displayName: string | null;
  readonly protocolVersion: number;
  readonly challengeResponse: Uint8Array;
  readonly newChallenge: Uint8Array;
  readonly trees: readonly { readonly treeId: string; readonly entryCount: number }[];
  /** Of a peer of this project: whether it is one, whether it takes proofs of requests, and its signature of the transcript. */
  readonly ours: { readonly version: number; readonly takesProofs: boolean; readonly signature: Uint8Array | null } | null;
}

/** What a peer gives of a tree; `theirTips` is null when it gave the tree from its root on. */
export interface TreeAnswer {
  readonly theirTips: readonly string[] | null;
  readonly entries: readonly Entry[];
}

/** A peer answered that it will not do it. */
export class PeerRefusal extends ClientError {
  constructor(words: string) {
    const said = words.slice(0, ERROR_CHARS_MAX);
    super('peer_refused', `the peer refused: ${said}`, { temporary: false });
    this.name = 'PeerRefusal';
  }
}

const malformed = (what: string): ClientError => new ClientError('peer_misbehaved', `the peer's answer is malformed: ${what}`);

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(what);
  return value as Fields;
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw malformed(what);
  return value;
}

function bytes(value: unknown, what: string): Uint8Array {
  if (!Array.isArray(value) || !value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) throw malformed(what);
  return Uint8Array.from(value as number[]);
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(what);
  return value;
}

/** Throws what a peer says it will not do. */
function refuseError(answer: unknown): void {
  if (typeof answer === 'object' && answer !== null && 'Error' in answer) throw new PeerRefusal(text(answer.Error, 'Error'));
  if (typeof answer === 'object' && answer !== null && 'BootstrapPending' in answer) throw new PeerRefusal('the peer waits for somebody to approve this device');
}

/** Reads the answer to a handshake. */
export function readHandshake(answer: unknown): HandshakeAnswer {
  refuseError(answer);
  const said = fields(fields(answer, 'no handshake')['Handshake'], 'no handshake');
  const trees = said['available_trees'] === undefined ? [] : list(said['available_trees'], 'available_trees');
  const ours = said['sealrelay'] === undefined ? null : fields(said['sealrelay'], 'sealrelay');
  return {
    publicKey: text(said['public_key'], 'public_key'),
    displayName: typeof said['display_name'] === 'string' ? said['display_name'] : null,
    protocolVersion: Number(said['protocol_version']),
    challengeResponse: bytes(said['challenge_response'], 'challenge_response'),
    newChallenge: bytes(said['new_challenge'], 'new_challenge'),
    trees: trees.map((tree) => {
      const { tree_id, entry_count } = fields(tree, 'available_trees');
      return { treeId: text(tree_id, 'tree_id'), entryCount: Number(entry_count) };
    }),
    ours:
      ours === null
        ? null
        : { version: Number(ours['version']), takesProofs: ours['proofs'] === true, signature: ours['signature'] === undefined ? null : bytes(ours['signature'], 'signature') },
  };
}

/** Reads the answer to a request for a tree. */
export function readTree(answer: unknown): TreeAnswer {
  refuseError(answer);
  const said = fields(answer, 'no tree');
  if ('Bootstrap' in said) {
    const { root_entry, all_entries } = fields(said['Bootstrap'], 'Bootstrap');
    return { theirTips: null, entries: [readEntry(root_entry), ...list(all_entries, 'all_entries').map(readEntry)] };
  }
  const { their_tips, missing_entries } = fields(said['Incremental'], 'no tree');
  return { theirTips: list(their_tips, 'their_tips').map((tip) => text(tip, 'their_tips')), entries: list(missing_entries, 'missing_entries').map(readEntry) };
}

/** Checks that so many entries were acknowledged. */
export function readAcknowledgement(answer: unknown, sent: number): void {
  refuseError(answer);
  const count = answer === 'Ack' ? Math.min(sent, 1) : Number(fields(answer, 'no acknowledgement')['Count']);
  if (count !== sent) throw new PeerRefusal(`it kept ${count} of ${sent} entries`);
}

/** Enough of an entry's shape for its place and id to be computed. */
function readEntry(value: unknown): Entry {
  const entry = fields(value, 'an entry');
  const { parents } = fields(entry['tree'], 'an entry');
  list(parents, 'parents').forEach((parent) => text(parent, 'parents'));
  list(entry['subtrees'], 'subtrees').forEach((subtree) => text(fields(subtree, 'subtrees')['name'], 'subtrees'));
  const { key } = fields(entry['sig'], 'an entry');
  if (typeof key !== 'string' && (typeof key !== 'object' || key === null)) throw malformed('key');
  return value as Entry;
}
