// Answers what peers ask of this device, whatever way they came: who they are, what they may, and then what they get. Transports bring
// bodies and take answers; nothing here knows how those travel.
import type { Environment } from '../../environment.js';
import type { Ed25519 } from '../../../protocol/ed25519.js';
import type { EntryBackend } from '../entry-backend.js';
import type { Identity } from '../handshake.js';
import type { SyncState } from '../sync-state.js';
import type { Address } from '../wire.js';
import { relatedPeers } from './access.js';
import type { AccessRule, Caller, TreeAccess } from './access.js';
import { Admission } from './admission.js';
import type { Visit } from './admission.js';
import { answerHandshake } from './answer-handshake.js';
import { Challenges } from './challenges.js';
import { getEntries, getTips, syncTree } from './give-trees.js';
import { CALLS_BURST, CALLS_PER_MINUTE, PART_BYTES_MAX, TREES_LISTED_MAX } from './limits.js';
import { Proofs } from './proofs.js';
import { readRequest } from './read-request.js';
import type { Greeting, ServedRequest } from './read-request.js';
import { Refusal, said } from './refusal.js';
import { takeEntries } from './take-entries.js';

/** What an app decides about serving. */
export interface ServingOptions {
  /** Who may do what with a tree; without it, peers that proved their key get the trees that are synced with them. */
  readonly access?: AccessRule;
  /** Requests of one caller a minute (600), and how many of them may come at once (100). */
  readonly callsPerMinute?: number;
  readonly callsBurst?: number;
}

/** A request as a transport brings it. */
export interface IncomingRequest {
  /** The kind of way: `http`, `iroh`. */
  readonly transport: string;
  /** Who is counted for it: an address, or the other end's id. */
  readonly from: string;
  /** The proof beside the request; null without one. */
  readonly proof: string | null;
  readonly token: string | null;
  /** What both ends know of their way; see ProofTarget. */
  readonly channel: Uint8Array;
  /** Bytes that an answer may have about; there is a limit without it. */
  readonly answerBytesMax?: number;
  /** Reads the body; the transport counts what it reads in the visit. */
  readonly read: (visit: Visit) => Promise<Uint8Array>;
}

/** A peer that proved its key greeted this device. */
export interface Greeted {
  readonly peer: string;
  readonly displayName: string | null;
  readonly transport: string;
  /** Where it says that it can be asked; nothing of this device goes there unless the app connects to it. */
  readonly listenAddresses: readonly Address[];
}

/** A request for a tree was served. */
export interface Served {
  /** Who asked, as far as it was proved. */
  readonly peer: string | null;
  readonly tree: string;
  readonly transport: string;
  /** Entries that were given. */
  readonly sent: number;
  /** Ids of entries that were stored. */
  readonly received: readonly string[];
}

/** Figures of serving, since the engine was opened. */
export interface ServingStatistics {
  readonly requests: number;
  readonly refused: number;
  readonly entriesSent: number;
  readonly entriesReceived: number;
}

export interface ServingParts {
  readonly state: SyncState;
  readonly backend: EntryBackend;
  readonly identity: Identity;
  readonly ed25519: Ed25519;
  readonly environment: Pick<Environment, 'now' | 'after' | 'randomBytes'>;
  readonly displayName: string;
  readonly options: ServingOptions;
  readonly greeted: (greeted: Greeted) => void;
  readonly served: (served: Served) => void;
}

export class SyncHandler {
  readonly #parts: ServingParts;
  readonly #access: AccessRule;
  readonly #admission: Admission;
  readonly #challenges: Challenges;
  readonly #proofs: Proofs;
  readonly #counts = { requests: 0, refused: 0, entriesSent: 0, entriesReceived: 0 };
  #isClosed = false;

  constructor(parts: ServingParts) {
    const { environment, ed25519, state, options } = parts;
    this.#parts = parts;
    this.#access = options.access ?? relatedPeers(state);
    this.#admission = new Admission(environment.now, { perMinute: options.callsPerMinute ?? CALLS_PER_MINUTE, burst: options.callsBurst ?? CALLS_BURST });
    this.#challenges = new Challenges(environment);
    this.#proofs = new Proofs(ed25519, environment.now);
  }

  /** For transports: their clock. */
  get environment(): Pick<Environment, 'now' | 'after'> {
    return this.#parts.environment;
  }

  statistics(): ServingStatistics {
    return { ...this.#counts };
  }

  /** Answers nothing more. */
  close(): void {
    this.#isClosed = true;
  }

  /** The JSON of an answer; rejects with a Refusal, and with nothing else. */
  async answer(incoming: IncomingRequest): Promise<string> {
    this.#counts.requests += 1;
    try {
      if (this.#isClosed) throw new Refusal(503, 'this device is going away', 1);
      const visit = this.#admission.begin(incoming.from);
      try {
        const body = await incoming.read(visit);
        const request = readRequest(body);
        return JSON.stringify(await this.#serve(request, await this.#callerOf(incoming, body), incoming));
      } finally {
        visit.end();
      }
    } catch (cause) {
      this.#counts.refused += 1;
      throw cause instanceof Refusal ? cause : new Refusal(500, 'The request failed here');
    }
  }

  async #callerOf({ proof, token, transport, channel }: IncomingRequest, body: Uint8Array): Promise<Caller> {
    const key = proof === null ? null : await this.#proofs.ofRequest({ peer: this.#parts.identity.publicKey, channel }, proof, body);
    return { key, token, transport };
  }

  #serve(request: ServedRequest, caller: Caller, { channel, answerBytesMax = PART_BYTES_MAX }: IncomingRequest): Promise<unknown> {
    const { backend } = this.#parts;
    switch (request.kind) {
      case 'handshake':
        return this.#greet(request.greeting, caller.transport, channel);
      case 'sync-tree':
        return this.#syncTree(request, caller, answerBytesMax);
      case 'send-entries':
        return this.#take(request.entries, caller);
      case 'get-tips':
        return this.#reading(caller, request.tree).then((access) => (access === 'none' ? { Tips: { tree_id: request.tree, tips: [] } } : getTips(backend, request.tree)));
      case 'get-entries':
        return getEntries(backend, request.ids, this.#memory(caller), answerBytesMax);
    }
  }

  #greet(greeting: Greeting, transport: string, channel: Uint8Array): Promise<unknown> {
    const { state, identity, ed25519, backend, displayName, greeted, environment } = this.#parts;
    const proved = (peer: string): void => {
      const known = state.peer(peer);
      if (known !== undefined) state.putPeer({ ...known, displayName: greeting.displayName ?? known.displayName, isMutual: true, seenAt: environment.now() });
      greeted({ peer, displayName: greeting.displayName, transport, listenAddresses: greeting.listenAddresses });
    };
    const treesOf = (key: string): readonly string[] => state.treesOf(key).slice(0, TREES_LISTED_MAX);
    return answerHandshake({ identity, ed25519, challenges: this.#challenges, backend, displayName, channel, treesOf, proved }, greeting);
  }

  async #syncTree({ tree, tips, proof }: Extract<ServedRequest, { kind: 'sync-tree' }>, caller: Caller, bytesMax: number): Promise<unknown> {
    const { backend, identity } = this.#parts;
    // Its own proof counts as well, and has to hold wherever it is given.
    const proven = proof === null ? null : await this.#proofs.ofTree(identity.publicKey, tree, tips, proof);
    const asking: Caller = { ...caller, key: caller.key ?? proven };
    if ((await this.#reading(asking, tree)) === 'none') throw said(`Tree not found: ${tree}`);
    const { answer, sent } = await syncTree(backend, tree, tips, bytesMax);
    this.#note(asking, tree, sent, []);
    return answer;
  }

  #take(entries: Extract<ServedRequest, { kind: 'send-entries' }>['entries'], caller: Caller): Promise<unknown> {
    const { backend, ed25519 } = this.#parts;
    return takeEntries({ backend, ed25519, access: this.#memory(caller), stored: (tree, ids) => this.#note(caller, tree, 0, ids) }, entries);
  }

  /** Says to everybody without a proof the same, whether there is such a tree or not. */
  async #reading(caller: Caller, tree: string): Promise<TreeAccess> {
    const access = await this.#access(caller, tree);
    if (access === 'none' && caller.key === null && caller.token === null) throw said('Authentication required: this device gives trees to peers that prove their key');
    return access;
  }

  /** The app's decision on each tree, asked for once a request. */
  #memory(caller: Caller): (tree: string) => Promise<TreeAccess> {
    const asked = new Map<string, Promise<TreeAccess>>();
    return (tree) => {
      const decision = asked.get(tree) ?? Promise.resolve(this.#access(caller, tree));
      asked.set(tree, decision);
      return decision;
    };
  }

  #note({ key, transport }: Caller, tree: string, sent: number, received: readonly string[]): void {
    this.#counts.entriesSent += sent;
    this.#counts.entriesReceived += received.length;
    this.#parts.served({ peer: key, tree, transport, sent, received });
  }
}
