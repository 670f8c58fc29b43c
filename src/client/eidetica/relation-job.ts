// One exchange of a relation: what waits is sent, or the tree is compared; then state, statistics and the next attempt are noted.
import { ClientError } from '../client-error.js';
import type { Environment } from '../environment.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import type { Entry } from './entry.js';
import { parentsFirst } from './entry-backend.js';
import type { EntryBackend, StoredEntry } from './entry-backend.js';
import type { Identity } from './handshake.js';
import type { SyncTransport } from './transport.js';
import type { Relation } from './relation.js';
import { proveRequest } from './request-proof.js';
import type { EngineOptions } from './sync-options.js';
import type { SyncState } from './sync-state.js';
import { compareTree, sendEntries } from './tree-exchange.js';
import type { Moved, TreeContext } from './tree-exchange.js';
import type { Prove } from './transport.js';
import type { Address } from './wire.js';

/** What the engine works with. */
export interface EngineParts {
  readonly state: SyncState;
  readonly backend: EntryBackend;
  readonly transports: readonly SyncTransport[];
  readonly identity: Identity;
  readonly ed25519: Ed25519;
  readonly environment: Environment;
  readonly options: EngineOptions;
}

/** What an exchange came to. */
export interface Exchanged {
  readonly peer: string;
  readonly tree: string;
  readonly sent: number;
  /** Ids of entries that were stored. */
  readonly received: readonly string[];
  /** Why it came to nothing more. */
  readonly error: ClientError | null;
}

/** The way to a peer: its addresses in turn, as attempts fail. */
export function wayTo(parts: EngineParts, peer: string, attempt: number): { transport: SyncTransport; address: Address } {
  const addresses = parts.state.peer(peer)?.addresses ?? [];
  const ways = addresses.flatMap((address) => {
    const transport = parts.transports.find((candidate) => candidate.canReach(address));
    return transport === undefined ? [] : [{ transport, address }];
  });
  const way = ways[attempt % Math.max(ways.length, 1)];
  if (way === undefined) throw new ClientError('no_way', 'no transport of this device reaches an address of the peer', { hint: 'Connect to the peer, or add an address.' });
  return way;
}

/** What an exchange is about: what waits, the whole tree, or entries that the app names. */
export type Task = 'waiting' | 'compare' | { readonly ids: readonly string[] };

/** Whether there is a way to a peer at all: who only comes by itself is not called. */
export function hasWay(parts: EngineParts, peer: string): boolean {
  return parts.state.peer(peer)?.addresses.some((address) => parts.transports.some((transport) => transport.canReach(address))) ?? false;
}

/** Proofs of requests to a peer that takes them. */
function proveTo({ state, identity, environment }: EngineParts, peer: string): Prove | undefined {
  if (state.peer(peer)?.takesProofs !== true) return undefined;
  return (body, channel) => proveRequest(identity, environment, { peer, channel }, body);
}

/** Runs one exchange; never throws. */
export async function runRelation(parts: EngineParts, relation: Relation, task: Task): Promise<Exchanged> {
  const { state, environment } = parts;
  const { peer, tree } = relation;
  const startedAt = environment.now();
  const moved: Moved = { sent: 0, received: [], theirTips: state.cursor(peer, tree)?.theirTips ?? [] };
  let error: ClientError | null = null;
  try {
    const { transport, address } = wayTo(parts, peer, relation.attempts);
    const { identity, ed25519, backend, options } = parts;
    const context: TreeContext = { transport, address, peer, tree, identity, ed25519, environment, backend, batchSize: options.queue.batchSize, prove: proveTo(parts, peer) };
    if (typeof task === 'object') await sendIds(context, task.ids, moved);
    else await (task === 'compare' || relation.wantsComparison ? compareRelation(context, relation, moved) : sendWaiting(context, relation, moved));
    relation.succeeded();
  } catch (cause) {
    error = cause instanceof ClientError ? cause : new ClientError('exchange_failed', 'the exchange with the peer failed', { cause });
    relation.failed(environment.now());
  }
  const now = environment.now();
  // It may have been taken out meanwhile.
  if (state.isRelated(peer, tree)) {
    state.putUnsent(peer, tree, error === null ? null : { attempts: relation.attempts, dueAt: relation.dueAt });
    if (error === null || moved.sent > 0) state.putCursor(peer, tree, { theirTips: moved.theirTips, syncedAt: now });
  }
  const info = state.peer(peer);
  if (error === null && info !== undefined) state.putPeer({ ...info, seenAt: now });
  const exchanged = { peer, tree, sent: moved.sent, received: moved.received, error };
  state.note({ peer, tree, at: startedAt, tookMs: now - startedAt, sent: moved.sent, received: moved.received.length, error: error === null ? null : error.code });
  return exchanged;
}

async function compareRelation(context: TreeContext, relation: Relation, moved: Moved): Promise<void> {
  // What was committed before is found by the comparison.
  const ids = relation.take();
  const needed = relation.beginComparison();
  try {
    await compareTree(context, moved);
  } catch (cause) {
    relation.needsComparison = needed || ids.length > 0 || relation.needsComparison;
    throw cause;
  }
}

async function sendWaiting(context: TreeContext, relation: Relation, moved: Moved): Promise<void> {
  const ids = relation.take();
  const sent = new Set<string>();
  try {
    await sendIds(context, ids, moved, sent);
  } catch (cause) {
    relation.putBack(ids.filter((id) => !sent.has(id)));
    throw cause;
  }
}

/** Sends entries by their ids; `sent` has those that were acknowledged, also when it throws. */
async function sendIds(context: TreeContext, ids: readonly string[], moved: Moved, sent = new Set<string>()): Promise<void> {
  const found = new Map<string, Entry>();
  let ordered: readonly StoredEntry[] = [];
  try {
    for (const id of ids) {
      const entry = await context.backend.get(id);
      if (entry !== undefined) found.set(id, entry);
    }
    ordered = parentsFirst(found);
    await sendEntries(context, ordered, moved);
    if (found.size < new Set(ids).size) throw notStoredYet();
  } finally {
    const acknowledged = ordered.slice(0, moved.sent);
    for (const { id } of acknowledged) sent.add(id);
    moved.theirTips = withTips(moved.theirTips, acknowledged);
  }
}

/** A hook may run before the app's storage is done: tried again as what a peer refuses is, and as often. */
function notStoredYet(): ClientError {
  return new ClientError('entry_missing', 'an entry that was committed is not in the storage of the app', { hint: 'Run the hooks once the entry is stored.' });
}

/** The tips of what a peer has after these entries too. */
function withTips(tips: readonly string[], sent: readonly StoredEntry[]): readonly string[] {
  const all = new Set([...tips, ...sent.map(({ id }) => id)]);
  for (const { entry } of sent) for (const parent of entry.tree.parents) all.delete(parent);
  return [...all];
}
