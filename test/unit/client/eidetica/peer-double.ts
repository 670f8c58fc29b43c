// A peer in memory, spoken to without a network: it keeps what it is sent, can be away, refuse or lie, and counts.
import { randomBytes } from 'node:crypto';
import { ClientError } from '../../../../src/client/client-error.js';
import { nobleEd25519 } from '../../../../src/client/crypto/ed25519-noble.js';
import { dialectOf, entryId, treeOf } from '../../../../src/client/eidetica/entry.js';
import type { Entry } from '../../../../src/client/eidetica/entry.js';
import { lackingOf, MemoryEntryBackend } from '../../../../src/client/eidetica/entry-backend.js';
import { Identity, transcriptBytes } from '../../../../src/client/eidetica/handshake.js';
import type { SyncTransport } from '../../../../src/client/eidetica/transport.js';
import type { Address, HandshakeRequest, SyncRequest } from '../../../../src/client/eidetica/wire.js';
import { ManualClock } from '../../../support/manual-clock.js';

export const ADDRESS: Address = { transport_type: 'double', address: 'peer' };

export class PeerDouble implements SyncTransport {
  readonly backend = new MemoryEntryBackend();
  readonly identity: Identity;
  readonly requests: SyncRequest[] = [];
  /** `away`: not reached; a text: refuses entries with it. */
  mood: 'well' | 'away' | { readonly refuses: string } = 'well';
  /** Whether it signs transcripts. */
  isOurs = true;
  /** Changes an answer on its way. */
  twist: (answer: unknown, request: SyncRequest) => unknown = (answer) => answer;

  private constructor(identity: Identity) {
    this.identity = identity;
  }

  static async create(): Promise<PeerDouble> {
    return new PeerDouble(await Identity.of(randomBytes(32), nobleEd25519()));
  }

  /** Sends of entries, empty ones aside. */
  get sends(): readonly (readonly Entry[])[] {
    return this.requests.flatMap((request) => ('SendEntries' in request && request.SendEntries.length > 0 ? [request.SendEntries] : []));
  }

  canReach({ transport_type }: Address): boolean {
    return transport_type === ADDRESS.transport_type;
  }

  async send(_address: Address, request: SyncRequest): Promise<unknown> {
    if (this.mood === 'away') throw new ClientError('peer_unreachable', 'the peer could not be reached', { temporary: true });
    this.requests.push(request);
    return this.twist(await this.#answer(request), request);
  }

  async #answer(request: SyncRequest): Promise<unknown> {
    if ('Handshake' in request) return { Handshake: await this.#handshake(request.Handshake) };
    if ('SendEntries' in request) {
      if (typeof this.mood === 'object' && request.SendEntries.length > 0) return { Error: this.mood.refuses };
      for (const entry of request.SendEntries) {
        const id = entryId(entry, entry.tree.parents[0] === undefined ? 'b' : dialectOf(entry.tree.parents[0]));
        await this.backend.put(treeOf(entry, id), [{ id, entry }]);
      }
      return request.SendEntries.length <= 1 ? 'Ack' : { Count: request.SendEntries.length };
    }
    const { tree_id, our_tips } = request.SyncTree;
    const tips = await this.backend.tips(tree_id);
    if (our_tips.length === 0 && tips.length === 0) return { Error: `Tree not found: ${tree_id}` };
    const entries = (await lackingOf(this.backend, tips, our_tips)).map(({ entry }) => entry);
    if (our_tips.length > 0) return { Incremental: { tree_id, their_tips: tips, missing_entries: entries } };
    return { Bootstrap: { tree_id, root_entry: entries[0], all_entries: entries.slice(1), key_approved: false, granted_permission: null } };
  }

  async #handshake({ public_key, challenge, protocol_version, sealrelay }: HandshakeRequest): Promise<object> {
    const key = this.identity.publicKey;
    const ours = async (): Promise<object> => {
      if (sealrelay === undefined) return { version: 1 };
      const transcript = transcriptBytes('relay', key, public_key, Uint8Array.from(challenge), Uint8Array.from(sealrelay.relay_challenge));
      return { version: 1, signature: [...(await this.identity.sign(transcript))] };
    };
    return {
      device_id: key,
      public_key: key,
      display_name: 'double',
      protocol_version,
      challenge_response: [...(await this.identity.sign(Uint8Array.from(challenge)))],
      new_challenge: [...randomBytes(32)],
      available_trees: [],
      ...(this.isOurs ? { sealrelay: await ours() } : {}),
    };
  }
}

/** A clock with randomness, which goes on as slowly as promises need. */
export class TestClock extends ManualClock {
  override readonly randomBytes = (length: number): Uint8Array => Uint8Array.from(randomBytes(length));

  /** Lets time pass in steps, and everything that follows from each happen. */
  async pass(ms: number, stepMs = 500): Promise<void> {
    for (let left = ms; ; left -= stepMs) {
      this.advance(Math.max(0, Math.min(stepMs, left)));
      await settled();
      if (left <= stepMs) break;
    }
    this.advance(0);
    await settled();
  }
}

/** Resolves when promises have nothing more to do for now. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 40; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}
