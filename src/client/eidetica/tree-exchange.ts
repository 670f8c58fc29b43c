// The exchanges with a peer about one tree: sending entries, and comparing the whole tree both ways.
import { ClientError } from '../client-error.js';
import type { Environment } from '../environment.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { dialectOf, entryId, isSignedAsNamed, treeOf } from './entry.js';
import type { Entry } from './entry.js';
import { lackingOf, parentsFirst } from './entry-backend.js';
import type { EntryBackend, StoredEntry } from './entry-backend.js';
import type { Identity } from './handshake.js';
import { BATCH_BYTES_MAX, COMMON_TIPS_MAX, ROUNDS_MAX } from './limits.js';
import { proofOf } from './proof.js';
import type { Prove, SyncTransport } from './transport.js';
import { readAcknowledgement, readTree } from './wire.js';
import type { Address, SyncTreeRequest } from './wire.js';

/** Whom to speak to about what, and with what. */
export interface TreeContext {
  readonly transport: SyncTransport;
  readonly address: Address;
  readonly peer: string;
  readonly tree: string;
  readonly identity: Identity;
  readonly ed25519: Ed25519;
  readonly environment: Pick<Environment, 'now' | 'randomBytes'>;
  readonly backend: EntryBackend;
  readonly batchSize: number;
  /** For a peer that takes proofs of requests. */
  readonly prove: Prove | undefined;
}

/** What an exchange moved. */
export interface Moved {
  sent: number;
  readonly received: string[];
  theirTips: readonly string[];
}

/** Sends entries, parents first, in batches; counts in `moved` what was acknowledged. */
export async function sendEntries(context: TreeContext, entries: readonly StoredEntry[], moved: Moved): Promise<void> {
  const { transport, address, batchSize, prove } = context;
  for (const batch of batches(entries, batchSize, Math.min(BATCH_BYTES_MAX, transport.requestBytesMax ?? Infinity))) {
    readAcknowledgement(await transport.send(address, { SendEntries: batch }, prove), batch.length);
    moved.sent += batch.length;
  }
}

function* batches(entries: readonly StoredEntry[], sizeMax: number, bytesMax: number): Generator<readonly Entry[]> {
  let [batch, bytes]: [Entry[], number] = [[], 0];
  for (const { entry } of entries) {
    const size = JSON.stringify(entry).length;
    if (batch.length > 0 && (batch.length >= sizeMax || bytes + size > bytesMax)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(entry);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** Takes what the peer has more of a tree, part by part, and sends it what it lacks. */
export async function compareTree(context: TreeContext, moved: Moved): Promise<void> {
  const { transport, address, prove, backend, tree } = context;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const tips = await tipsToTell(backend, tree, moved.theirTips);
    const { theirTips, entries } = readTree(await transport.send(address, { SyncTree: await treeRequest(context, tips) }, prove));
    const received = await take(context, entries);
    moved.received.push(...received);
    const [ours, sentBefore] = [await backend.tips(tree), moved.sent];
    // From its root on the peer gave what it has, or the first part of it: the next answer says which.
    if (theirTips !== null) {
      moved.theirTips = theirTips;
      await sendEntries(context, await lackingOf(backend, ours, theirTips), moved);
    }
    // A peer that knew none of our tips gave what we have; now it knows them.
    const wasUnknown = entries.length > 0 && moved.sent > sentBefore;
    if (received.length === 0 && !wasUnknown) return;
  }
  throw new ClientError('peer_misbehaved', 'the peer always has more');
}

/** Our tips, and what the peer was known to have: where both went on alone, only that tells it what is lacking. */
async function tipsToTell(backend: EntryBackend, tree: string, theirTips: readonly string[]): Promise<readonly string[]> {
  const tips = new Set(await backend.tips(tree));
  if (tips.size === 0) return [];
  for (const tip of theirTips.slice(0, COMMON_TIPS_MAX)) if ((await backend.get(tip)) !== undefined) tips.add(tip);
  return [...tips];
}

async function treeRequest({ identity, environment, peer, tree }: TreeContext, tips: readonly string[]): Promise<SyncTreeRequest> {
  const nothing = { peer_pubkey: identity.publicKey, requesting_key: null, requesting_key_name: null, requested_permission: null };
  const request = { tree_id: tree, our_tips: tips, ...nothing };
  return dialectOf(tree) === 'c' ? { ...request, metadata: null, auth: await proofOf(identity, environment, peer, tree, tips) } : request;
}

/** Stores what is new and in order; throws when anything of it is not what it has to be. Ids of what was stored. */
async function take({ backend, tree, ed25519 }: TreeContext, entries: readonly Entry[]): Promise<readonly string[]> {
  const dialect = dialectOf(tree);
  const fresh = new Map<string, Entry>();
  for (const entry of entries) {
    const id = entryId(entry, dialect);
    if (treeOf(entry, id) !== tree) throw new ClientError('peer_misbehaved', `the peer sent an entry of another tree: ${id}`);
    if ((await backend.get(id)) !== undefined) continue;
    if ((await isSignedAsNamed(entry, ed25519)) === false) throw new ClientError('peer_misbehaved', `the peer sent an entry with a forged signature: ${id}`);
    fresh.set(id, entry);
  }
  const ordered = parentsFirst(fresh);
  for (const { id, entry } of ordered) {
    for (const parent of entry.tree.parents) {
      if (!fresh.has(parent) && (await backend.get(parent)) === undefined) throw new ClientError('peer_misbehaved', `the peer sent an entry without its parent: ${id}`);
    }
  }
  if (ordered.length > 0) await backend.put(tree, ordered);
  return ordered.map(({ id }) => id);
}
