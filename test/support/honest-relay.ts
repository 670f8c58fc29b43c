// A small honest relay over the TypeScript twin of the protocol: real frames, real signatures, everything in memory.
// A lie is a subclass that overrides one of the protected methods.
import { ackSigningBytes } from '../../src/protocol/ack.js';
import { formatRelayAddress } from '../../src/protocol/address.js';
import { attestationLeaf, groupSigningBytes } from '../../src/protocol/attestation.js';
import type { Attestation } from '../../src/protocol/attestation.js';
import { ByteWriter } from '../../src/protocol/byte-writer.js';
import { decodeClientFrame } from '../../src/protocol/client-frame-codec.js';
import type { AckFrame, ClientFrame, HelloFrame, ProofFrame, PushFrame, SubscribeFrame } from '../../src/protocol/client-frame.js';
import type { Ed25519 } from '../../src/protocol/ed25519.js';
import { equalBytes } from '../../src/protocol/equal-bytes.js';
import { ERRORS } from '../../src/protocol/errors.js';
import type { ErrorName } from '../../src/protocol/errors.js';
import { proofSigningBytes, transcript1, transcript2, welcomeSigningBytes, withoutSignature } from '../../src/protocol/handshake.js';
import { ZEROS, entryId, entryLeaf, genesisLeaf, hash, nodeHash, pushLeaf } from '../../src/protocol/hash.js';
import { toHex } from '../../src/protocol/hex.js';
import { logResetSigningBytes } from '../../src/protocol/log-reset.js';
import type { LogReset } from '../../src/protocol/log-reset.js';
import { CompactRange } from '../../src/protocol/merkle.js';
import { encodeRelayFrame } from '../../src/protocol/relay-frame-codec.js';
import type { AckNoticeFrame, EntryItem, RelayFrame, RetentionPolicy, SessionLimits, WelcomeFrame } from '../../src/protocol/relay-frame.js';
import { RosterError } from '../../src/protocol/roster-error.js';
import { verifyChain } from '../../src/protocol/roster-rules.js';
import { deviceOf, isRootSigned, mayWrite, parseRoster } from '../../src/protocol/roster.js';
import type { Roster } from '../../src/protocol/roster.js';
import { chunkCount, chunksHash, parseManifest, verifyManifest } from '../../src/protocol/snapshot.js';
import { createEd25519 } from '../../src/client/crypto/ed25519.js';
import type { OpenTransport } from '../../src/client/transport/transport.js';

export interface StoredEntry {
  readonly device: Uint8Array;
  readonly pushSeq: number;
  readonly keyEpoch: number;
  readonly sealed: Uint8Array;
  readonly id: Uint8Array;
}

interface Mark {
  readonly pushSeq: number;
  readonly logEpoch: number;
  readonly id: Uint8Array;
}

export interface Snapshot {
  readonly manifest: Uint8Array;
  readonly id: Uint8Array;
  readonly chunks: Uint8Array[];
  complete: boolean;
}

/** A space as it is on the relay's disk. Plain data, so that a backup is a copy. */
export interface SpaceRecord {
  chain: Uint8Array[];
  keyring: Uint8Array;
  entries: StoredEntry[];
  /** Entries below it are forgotten; their leaves are kept. */
  floor: number;
  origin: { logEpoch: number; baseSize: number; baseHead: Uint8Array };
  resets: LogReset[];
  marks: Map<string, Mark>;
  acks: Map<string, AckNoticeFrame>;
  snapshots: Snapshot[];
}

/** One connection. */
export interface RelaySession {
  readonly send: (frame: RelayFrame) => void;
  readonly close: (code: number) => void;
  hello?: { readonly frame: HelloFrame; readonly raw: Uint8Array };
  challenge?: Uint8Array;
  device: Uint8Array;
  space?: SpaceRecord;
  spaceId: Uint8Array;
  rosterVersion: number;
  open: boolean;
  /** Next seq of the subscription; 0: none. */
  nextSeq: number;
  omitOwn: boolean;
  ended: boolean;
}

/** What an in-memory or network adapter feeds. */
export interface RelayConnection {
  receive(message: Uint8Array): void;
  closed(): void;
}

export interface RelayOptions {
  readonly heartbeatMs?: number;
  readonly policy?: RetentionPolicy;
  readonly now?: () => number;
  readonly entriesPerFrame?: number;
}

/** The number of that quota on the wire. */
const SPACE_BYTES = 2;

export class HonestRelay {
  readonly heartbeatMs: number;
  protected readonly policy: RetentionPolicy;
  protected readonly spaces = new Map<string, SpaceRecord>();
  protected readonly sessions = new Set<RelaySession>();
  protected ed25519!: Ed25519;
  protected seed = crypto.getRandomValues(new Uint8Array(32));
  logId!: Uint8Array;
  /** False: connection attempts fail. */
  up = true;
  /** What went wrong inside the relay itself. */
  readonly failures: unknown[] = [];
  // One frame at a time, so that the frames of a connection leave in the order they were made.
  #queue: Promise<void> = Promise.resolve();
  readonly #now: () => number;
  readonly #entriesPerFrame: number;
  #time = 0;

  constructor(options: RelayOptions = {}) {
    this.heartbeatMs = options.heartbeatMs ?? 30_000;
    this.policy = options.policy ?? { retentionMs: 30 * 86_400_000, deviceLeaseMs: 30 * 86_400_000 };
    this.#now = options.now ?? Date.now;
    this.#entriesPerFrame = options.entriesPerFrame ?? 100;
  }

  async start(): Promise<this> {
    this.ed25519 = await createEd25519();
    this.logId = await this.ed25519.publicKey(this.seed);
    return this;
  }

  address(port = 8080): string {
    return formatRelayAddress({ host: '127.0.0.1', port, tls: false, logId: this.logId });
  }

  /** A transport that connects to this relay in memory. */
  transport(): OpenTransport {
    return (_url, events) => {
      let ended = false;
      const end = (code: number): void => {
        if (ended) return;
        ended = true;
        setImmediate(() => events.closed({ code, reason: '' }));
      };
      let connection: RelayConnection | undefined;
      setImmediate(() => {
        if (ended) return;
        if (!this.up) return end(1006);
        connection = this.connect(
          (bytes) => setImmediate(() => events.message(bytes.slice())),
          (code) => setImmediate(() => end(code)),
        );
        events.opened();
      });
      return {
        bufferedBytes: 0,
        send: (message) => {
          const copy = message.slice();
          setImmediate(() => connection?.receive(copy));
        },
        close: () => {
          ended = true;
          setImmediate(() => connection?.closed());
        },
      };
    };
  }

  connect(send: (bytes: Uint8Array) => void, close: (code: number) => void): RelayConnection {
    const session: RelaySession = {
      send: (frame) => {
        if (!session.ended) send(encodeRelayFrame(frame));
      },
      close: (code) => {
        session.ended = true;
        this.sessions.delete(session);
        close(code);
      },
      device: ZEROS,
      spaceId: ZEROS,
      rosterVersion: 0,
      open: false,
      nextSeq: 0,
      omitOwn: false,
      ended: false,
    };
    this.sessions.add(session);
    return {
      receive: (message) => {
        this.#queue = this.#queue.then(() => (session.ended ? undefined : this.#take(session, message))).catch((cause: unknown) => {
          this.failures.push(cause);
        });
      },
      closed: () => {
        session.ended = true;
        this.sessions.delete(session);
      },
    };
  }

  /** Ends all connections, as a crash does. What was stored stays. */
  crash(): void {
    for (const session of [...this.sessions]) session.close(1006);
  }

  /** Ends all connections as an orderly stop does: told when to return, in the middle of a handshake too, then closed. */
  drain(): void {
    for (const session of [...this.sessions]) {
      session.send({ type: 'Goaway', reason: ERRORS.draining.code, reconnectAfterMs: 5, reconnectSpreadMs: 5 });
      session.close(ERRORS.draining.close);
    }
  }

  /** A copy of everything on disk. */
  backup(): Map<string, SpaceRecord> {
    return new Map([...this.spaces].map(([name, space]) => [name, copyOf(space)]));
  }

  /** Puts a backup back and opens a new log epoch in each space, as an operator does. */
  async restore(backup: ReadonlyMap<string, SpaceRecord>): Promise<void> {
    this.crash();
    this.spaces.clear();
    for (const [name, old] of backup) {
      const space = copyOf(old);
      const fields = {
        space: parseRoster(space.chain[0]!).space,
        logId: this.logId,
        oldEpoch: space.origin.logEpoch,
        baseSize: sizeOf(space),
        baseHead: this.headAt(space, sizeOf(space), fieldsOf(space)),
        newEpoch: Math.max(space.origin.logEpoch + 1, this.#now()),
        time: this.time(),
      };
      space.resets.push({ ...fields, signature: await this.ed25519.sign(this.seed, logResetSigningBytes(fields)) });
      space.origin = { logEpoch: fields.newEpoch, baseSize: fields.baseSize, baseHead: fields.baseHead };
      space.acks.clear();
      this.spaces.set(name, space);
    }
  }

  /** Forgets entries up to that seq, as retention does. */
  forget(upToSeq: number): void {
    for (const space of this.spaces.values()) space.floor = Math.max(space.floor, upToSeq + 1);
  }

  /** The only space, for tests that look at the disk. */
  disk(): SpaceRecord {
    return [...this.spaces.values()][0]!;
  }

  // ---- what a lie overrides ----

  /** The log as this session is shown it. */
  protected viewOf(_session: RelaySession, space: SpaceRecord): SpaceRecord {
    return space;
  }

  /** Appends to the disk. */
  protected append(_session: RelaySession, space: SpaceRecord, entries: readonly StoredEntry[]): void {
    space.entries.push(...entries);
  }

  /** The items of a frame before they are sent. */
  protected shown(_session: RelaySession, _firstSeq: number, items: readonly EntryItem[]): readonly EntryItem[] {
    return items;
  }

  protected floorOf(_session: RelaySession, space: SpaceRecord): number {
    return space.floor;
  }

  protected expires(session: RelaySession, view: SpaceRecord, after: number): boolean {
    return after + 1 < this.floorOf(session, view);
  }

  protected rosterChain(_session: RelaySession, space: SpaceRecord): { chain: readonly Uint8Array[]; keyring: Uint8Array } {
    return { chain: space.chain, keyring: space.keyring };
  }

  protected forwardsAcks(): boolean {
    return true;
  }

  /** What a session is told when the roster changes; null: nothing. */
  protected rosterNews(_session: RelaySession, space: SpaceRecord): { chain: readonly Uint8Array[]; keyring: Uint8Array } | null {
    return { chain: space.chain, keyring: space.keyring };
  }

  protected leavesOf(view: SpaceRecord): readonly Uint8Array[] {
    return view.entries.map(leafOf);
  }

  /** What a device that asks for a snapshot can get. */
  protected snapshotsOf(_session: RelaySession, space: SpaceRecord): readonly Snapshot[] {
    return space.snapshots;
  }

  /** What a chunk is added to. */
  protected uploadOf(space: SpaceRecord, id: Uint8Array): Snapshot | undefined {
    return space.snapshots.find((snapshot) => equalBytes(snapshot.id, id));
  }

  protected retention(): RetentionPolicy {
    return this.policy;
  }

  protected pongAttestation(session: RelaySession, view: SpaceRecord): Promise<Attestation> {
    return this.attest(session, view, sizeOf(view));
  }

  protected receiptStatus(): 'stored' | 'duplicate' {
    return 'stored';
  }

  // ---- attestations ----

  protected time(): number {
    this.#time = Math.max(this.#time, this.#now());
    return this.#time;
  }

  protected headAt(space: SpaceRecord, size: number, ids: { space: Uint8Array }): Uint8Array {
    const range = new CompactRange();
    range.push(genesisLeaf({ space: ids.space, logId: this.logId, ...space.origin }));
    for (const entry of space.entries.slice(space.origin.baseSize, size)) range.push(leafOf(entry));
    return range.root();
  }

  /** A signed head; the group has a second leaf of another space, so that paths are not empty. */
  protected async attest(session: RelaySession, space: SpaceRecord, size: number, pushes: Uint8Array = ZEROS): Promise<Attestation> {
    const stated = {
      logEpoch: space.origin.logEpoch,
      size,
      head: this.headAt(space, size, { space: session.spaceId }),
      floor: this.floorOf(session, space),
      time: this.time(),
      pushes,
    };
    const placed = { ...stated, salt: crypto.getRandomValues(new Uint8Array(16)), leafIndex: 0, leafCount: 2 };
    const sibling = hash(crypto.getRandomValues(new Uint8Array(32)));
    const leaf = attestationLeaf({ space: session.spaceId, logId: this.logId }, { ...placed, path: [sibling], signature: ZEROS });
    const signature = await this.ed25519.sign(this.seed, groupSigningBytes(nodeHash(leaf, sibling)));
    return { ...placed, path: [sibling], signature };
  }

  // ---- frames ----

  async #take(session: RelaySession, message: Uint8Array): Promise<void> {
    const frame = decodeClientFrame(message);
    if (!session.open) {
      if (frame.type === 'Hello') this.#hello(session, frame, message);
      else if (frame.type === 'Proof') await this.#proof(session, frame, message);
      return;
    }
    const space = session.space!;
    await this.#route(session, space, frame);
  }

  async #route(session: RelaySession, space: SpaceRecord, frame: ClientFrame): Promise<void> {
    switch (frame.type) {
      case 'Ping': {
        const view = this.viewOf(session, space);
        session.send({ type: 'Pong', nonce: frame.nonce, attestation: await this.pongAttestation(session, view) });
        return;
      }
      case 'Push':
        return this.#push(session, space, frame);
      case 'Subscribe':
        return this.#subscribe(session, this.viewOf(session, space), frame);
      case 'Ack':
        return this.#ack(session, space, frame);
      case 'RosterPut':
        return this.#rosterPut(session, space, frame);
      case 'PullLeaves': {
        const view = this.viewOf(session, space);
        const leaves = this.leavesOf(view).slice(frame.firstSeq - 1, frame.firstSeq - 1 + frame.count);
        session.send({ type: 'Leaves', request: frame.request, firstSeq: frame.firstSeq, leaves });
        return;
      }
      case 'SnapshotBegin':
        return this.#snapshotBegin(session, space, frame.manifest);
      case 'SnapshotChunk':
        return this.#snapshotChunk(session, space, frame);
      case 'SnapshotGet': {
        const held = this.snapshotsOf(session, space).findLast((snapshot) => snapshot.complete && (isZero(frame.snapshot) || equalBytes(snapshot.id, frame.snapshot)));
        if (held === undefined && !isZero(frame.snapshot)) return this.#error(session, 'snapshot_unknown', 0);
        session.send({ type: 'SnapshotManifest', manifest: held?.manifest ?? new Uint8Array() });
        for (const [i, bytes] of (held?.chunks ?? []).entries()) {
          if (held === undefined || i < frame.firstChunk || i >= frame.firstChunk + frame.chunksMax) continue;
          session.send({ type: 'SnapshotChunk', snapshot: held.id, index: i, bytes });
        }
        return;
      }
      case 'SnapshotAck':
        if (!space.snapshots.some(({ id, complete }) => complete && equalBytes(id, frame.snapshot))) this.#error(session, 'snapshot_unknown', 0);
        return;
      default:
        return;
    }
  }

  #hello(session: RelaySession, frame: HelloFrame, raw: Uint8Array): void {
    session.hello = { frame, raw };
    session.device = frame.device.slice();
    session.spaceId = frame.space.slice();
    const challenge = { type: 'Challenge', version: 1, features: 0n, logId: this.logId, relayNonce: crypto.getRandomValues(new Uint8Array(32)) } as const;
    session.challenge = encodeRelayFrame(challenge);
    session.send(challenge);
  }

  async #proof(session: RelaySession, frame: ProofFrame, raw: Uint8Array): Promise<void> {
    const { hello, challenge } = session;
    if (hello === undefined || challenge === undefined) return this.#refuse(session, 'handshake_failed');
    const t1 = transcript1(hello.raw, challenge, withoutSignature(raw));
    if (!(await this.ed25519.verify(session.device, proofSigningBytes(t1), frame.signature))) return this.#refuse(session, 'handshake_failed');
    const space = await this.#spaceOf(session, frame);
    const isRoot = equalBytes(session.device, session.spaceId);
    if (space === undefined || (!isRoot && deviceOf(newest(space), session.device) === undefined)) return this.#refuse(session, 'handshake_failed');
    session.space = space;
    session.open = true;
    const view = this.viewOf(session, space);
    const { chain, keyring } = this.rosterChain(session, space);
    const roster = parseRoster(chain.at(-1)!);
    const welcome = await this.#welcome(session, view, roster);
    const unsigned = encodeRelayFrame({ ...welcome, signature: new Uint8Array(64) });
    const t2 = transcript2(t1, frame.signature, withoutSignature(unsigned));
    session.send({ ...welcome, signature: await this.ed25519.sign(this.seed, welcomeSigningBytes(t2)) });
    if (roster.version > hello.frame.rosterVersion && !equalBytes(roster.hash, parsedHash(frame))) {
      session.send({ type: 'RosterUpdate', chain, keyring });
    }
  }

  async #welcome(session: RelaySession, view: SpaceRecord, roster: Roster): Promise<Omit<WelcomeFrame, 'signature'>> {
    const mark = this.markOf(session, view);
    return {
      type: 'Welcome',
      logEpoch: view.origin.logEpoch,
      rosterVersion: roster.version,
      rosterHash: roster.hash,
      pushSeqHigh: mark?.pushSeq ?? 0,
      pushSeqBound: mark !== undefined && mark.logEpoch === view.origin.logEpoch,
      lastEntryId: mark?.id ?? ZEROS,
      limits: this.limits(),
      policy: this.retention(),
      attestation: await this.attest(session, view, sizeOf(view)),
    };
  }

  protected markOf(session: RelaySession, view: SpaceRecord): Mark | undefined {
    return view.marks.get(toHex(session.device));
  }

  protected limits(): SessionLimits {
    return { messageBytesMax: 10 * 1024 * 1024 + 65_536, entryBytesMax: 10 * 1024 * 1024, pushEntriesMax: 1024, pushBytesInFlightMax: 16 * 1024 * 1024, heartbeatMs: this.heartbeatMs };
  }

  async #spaceOf(session: RelaySession, proof: ProofFrame): Promise<SpaceRecord | undefined> {
    const name = toHex(session.spaceId);
    const known = this.spaces.get(name);
    if (proof.chain.length === 0) return known;
    return this.#applyChain(session.spaceId, known, proof.chain, proof.keyring);
  }

  async #applyChain(spaceId: Uint8Array, known: SpaceRecord | undefined, chain: readonly Uint8Array[], keyring: Uint8Array): Promise<SpaceRecord | undefined> {
    try {
      const before = known && newest(known);
      const roster = await verifyChain(chain, { space: spaceId, ...(before === undefined ? {} : { known: before }) }, this.ed25519);
      if (!equalBytes(hash(keyring), roster.keyringHash)) return undefined;
      const space = known ?? freshSpace();
      const fresh = chain.filter((bytes) => parseRoster(bytes).version > (before?.version ?? 0)).map((bytes) => bytes.slice());
      space.chain = sinceRoot([...space.chain, ...fresh]);
      space.keyring = keyring.slice();
      this.spaces.set(toHex(spaceId), space);
      return space;
    } catch (cause) {
      if (cause instanceof RosterError) return undefined;
      throw cause;
    }
  }

  async #push(session: RelaySession, space: SpaceRecord, frame: PushFrame): Promise<void> {
    const roster = newest(space);
    if (!mayWrite(deviceOf(roster, session.device))) return this.#error(session, 'read_only', frame.pushSeqFirst);
    const lacking = this.lacking(frame);
    if (lacking !== null) {
      const { used, allowed, needed } = lacking;
      return this.#error(session, 'quota_exceeded', frame.pushSeqFirst, new ByteWriter().u8(SPACE_BYTES).u64(used).u64(allowed).u64(needed).finish());
    }
    const retryAfterMs = this.busyFor(frame);
    if (retryAfterMs > 0) {
      session.send({ type: 'Error', code: ERRORS.busy.code, context: frame.pushSeqFirst, retryAfterMs, detail: new Uint8Array() });
      return;
    }
    const mark = space.marks.get(toHex(session.device));
    const bound = mark !== undefined && mark.logEpoch === space.origin.logEpoch;
    const expected = (mark?.pushSeq ?? 0) + 1;
    if (frame.pushSeqFirst < expected) return this.#error(session, 'push_seq_conflict', frame.pushSeqFirst);
    if (frame.pushSeqFirst > expected && bound) {
      return this.#error(session, 'push_seq_gap', frame.pushSeqFirst, new ByteWriter().u64(expected).finish());
    }
    if (frame.keyEpoch < roster.keyEpoch) return this.#error(session, 'key_epoch_old', frame.pushSeqFirst);
    if (frame.keyEpoch > roster.keyEpoch) return this.#error(session, 'key_epoch_unknown', frame.pushSeqFirst);
    const entries = frame.entries.map((bytes, i) => {
      const sealed = bytes.slice();
      return { device: session.device, pushSeq: frame.pushSeqFirst + i, keyEpoch: frame.keyEpoch, sealed, id: entryId(sealed) };
    });
    const view = this.viewOf(session, space);
    const seqFirst = sizeOf(view) + 1;
    this.append(session, space, entries);
    const last = entries.at(-1)!;
    space.marks.set(toHex(session.device), { pushSeq: last.pushSeq, logEpoch: space.origin.logEpoch, id: last.id });
    await this.receipt(session, this.viewOf(session, space), frame, seqFirst, entries);
    await this.fanOut(space);
  }

  protected async receipt(session: RelaySession, view: SpaceRecord, frame: PushFrame, seqFirst: number, entries: readonly StoredEntry[]): Promise<void> {
    const leaf = pushLeaf({ device: session.device, pushSeqFirst: frame.pushSeqFirst, seqFirst, entryIds: entries.map(({ id }) => id) });
    const attestation = await this.attestReceipt(session, view, seqFirst + entries.length - 1, leaf, entries);
    session.send({
      type: 'Receipt',
      pushSeqFirst: frame.pushSeqFirst,
      count: entries.length,
      status: this.receiptStatus(),
      seqFirst: this.receiptStatus() === 'stored' ? seqFirst : 1,
      attestation,
      proof: { index: 0, leaves: 1, path: [] },
    });
  }

  /** The bytes of the space, where they do not suffice for the push; null: they do. */
  protected lacking(_frame: PushFrame): { readonly used: number; readonly allowed: number; readonly needed: number } | null {
    return null;
  }

  /** Milliseconds after which a push is to come again because too many wait; 0: it is taken. */
  protected busyFor(_frame: PushFrame): number {
    return 0;
  }

  protected attestReceipt(session: RelaySession, view: SpaceRecord, size: number, pushes: Uint8Array, _entries: readonly StoredEntry[]): Promise<Attestation> {
    return this.attest(session, view, size, pushes);
  }

  /** Sends every subscriber of the space what it has not seen. */
  protected async fanOut(space: SpaceRecord): Promise<void> {
    for (const session of [...this.sessions]) if (session.space === space && session.nextSeq > 0) await this.#continue(session, space);
  }

  async #continue(session: RelaySession, space: SpaceRecord, atLeastOne = false): Promise<void> {
    const view = this.viewOf(session, space);
    let once = atLeastOne;
    while (!session.ended && (once || session.nextSeq <= sizeOf(view))) {
      once = false;
      const firstSeq = session.nextSeq;
      const entries = view.entries.slice(firstSeq - 1, firstSeq - 1 + this.#entriesPerFrame);
      const items = this.shown(session, firstSeq, entries.map((entry) => itemOf(entry, session)));
      session.nextSeq = firstSeq + items.length;
      const size = sizeOf(view);
      const more = size > session.nextSeq - 1;
      session.send({ type: 'Entries', request: 0, more, firstSeq, items, attestation: await this.attest(session, view, size) });
      if (items.length === 0) return;
    }
  }

  async #subscribe(session: RelaySession, view: SpaceRecord, frame: SubscribeFrame): Promise<void> {
    if (frame.logEpoch < view.origin.logEpoch) {
      for (const reset of view.resets) if (reset.newEpoch > frame.logEpoch) session.send({ type: 'LogReset', ...reset });
      return;
    }
    if (frame.logEpoch > view.origin.logEpoch || frame.after > sizeOf(view)) return this.#error(session, 'cursor_ahead', 0);
    if (this.expires(session, view, frame.after)) {
      session.send({ type: 'CursorExpired', request: 0, attestation: await this.attest(session, view, sizeOf(view)) });
      return;
    }
    session.nextSeq = frame.after + 1;
    session.omitOwn = frame.omitOwnBodies;
    for (const notice of view.acks.values()) if (this.forwardsAcks()) session.send(notice);
    await this.#continue(session, session.space!, true);
  }

  async #ack(session: RelaySession, space: SpaceRecord, frame: AckFrame): Promise<void> {
    const signed = await this.ed25519.verify(session.device, ackSigningBytes({ space: session.spaceId, logId: this.logId }, frame), frame.signature);
    if (!signed || frame.logEpoch !== space.origin.logEpoch) return this.#error(session, 'ack_invalid', 0);
    const notice: AckNoticeFrame = { ...frame, type: 'AckNotice', device: session.device, head: frame.head.slice(), signature: frame.signature.slice() };
    space.acks.set(toHex(session.device), notice);
    if (!this.forwardsAcks()) return;
    for (const other of this.sessions) if (other !== session && other.space === space && other.nextSeq > 0) other.send(notice);
  }

  async #rosterPut(session: RelaySession, space: SpaceRecord, frame: { chain: readonly Uint8Array[]; keyring: Uint8Array }): Promise<void> {
    const before = newest(space).version;
    const changed = (await this.#applyChain(session.spaceId, space, frame.chain, frame.keyring)) !== undefined && newest(space).version > before;
    if (!changed) {
      this.#error(session, 'roster_conflict', 0);
      session.send({ type: 'RosterUpdate', chain: space.chain, keyring: space.keyring });
      return;
    }
    for (const other of [...this.sessions]) {
      if (other.space !== space) continue;
      const isRoot = equalBytes(other.device, other.spaceId);
      const news = this.rosterNews(other, space);
      if (news !== null) other.send({ type: 'RosterUpdate', ...news });
      if (!isRoot && deviceOf(newest(space), other.device) === undefined) this.#refuse(other, 'device_revoked');
    }
  }

  async #snapshotBegin(session: RelaySession, space: SpaceRecord, bytes: Uint8Array): Promise<void> {
    const manifest = parseManifest(bytes.slice());
    const acked = space.acks.get(toHex(session.device));
    const valid = (await verifyManifest(manifest, this.ed25519)) && equalBytes(manifest.device, session.device) && manifest.size <= (acked?.size ?? 0);
    if (!valid) return this.#error(session, 'snapshot_invalid', 0);
    const known = space.snapshots.find((snapshot) => equalBytes(snapshot.id, manifest.id));
    const snapshot = known ?? { manifest: manifest.bytes, id: manifest.id, chunks: [], complete: false };
    if (known === undefined) space.snapshots.push(snapshot);
    session.send({ type: 'SnapshotStatus', snapshot: snapshot.id, nextChunk: snapshot.chunks.length, stored: snapshot.complete });
  }

  #snapshotChunk(session: RelaySession, space: SpaceRecord, frame: { snapshot: Uint8Array; index: number; bytes: Uint8Array }): void {
    const snapshot = this.uploadOf(space, frame.snapshot);
    if (snapshot === undefined) return this.#error(session, 'snapshot_unknown', frame.index + 1);
    if (frame.index !== snapshot.chunks.length) return this.#error(session, 'snapshot_chunk_unexpected', frame.index + 1);
    snapshot.chunks.push(frame.bytes.slice());
    const manifest = parseManifest(snapshot.manifest);
    const last = snapshot.chunks.length === chunkCount(manifest);
    snapshot.complete = last && equalBytes(chunksHash(snapshot.chunks.map((chunk) => hash(chunk))), manifest.chunksHash);
    if (last || snapshot.chunks.length % 16 === 0) {
      session.send({ type: 'SnapshotStatus', snapshot: snapshot.id, nextChunk: snapshot.chunks.length, stored: snapshot.complete });
    }
  }

  #error(session: RelaySession, name: ErrorName, context: number, detail: Uint8Array = new Uint8Array()): void {
    session.send({ type: 'Error', code: ERRORS[name].code, context, retryAfterMs: 0, detail });
  }

  #refuse(session: RelaySession, name: ErrorName): void {
    this.#error(session, name, 0);
    session.close(ERRORS[name].close);
  }
}

export function sizeOf(space: SpaceRecord): number {
  return space.entries.length;
}

export function leafOf(entry: StoredEntry): Uint8Array {
  return entryLeaf({ device: entry.device, pushSeq: entry.pushSeq, keyEpoch: entry.keyEpoch, entryId: entry.id });
}

export function copyOf(space: SpaceRecord): SpaceRecord {
  return {
    ...space,
    chain: [...space.chain],
    entries: [...space.entries],
    resets: [...space.resets],
    marks: new Map(space.marks),
    acks: new Map(space.acks),
    snapshots: space.snapshots.filter(({ complete }) => complete),
  };
}

export function newest(space: SpaceRecord): Roster {
  return parseRoster(space.chain.at(-1)!);
}

function itemOf(entry: StoredEntry, session: RelaySession): EntryItem {
  const { device, pushSeq, keyEpoch, sealed, id } = entry;
  if (session.omitOwn && equalBytes(device, session.device)) return { device, pushSeq, keyEpoch, kind: 'own', entryId: id };
  return { device, pushSeq, keyEpoch, kind: 'sealed', sealed };
}

function freshSpace(): SpaceRecord {
  return {
    chain: [],
    keyring: new Uint8Array(),
    entries: [],
    floor: 1,
    origin: { logEpoch: 1, baseSize: 0, baseHead: ZEROS },
    resets: [],
    marks: new Map(),
    acks: new Map(),
    snapshots: [],
  };
}

function sinceRoot(chain: Uint8Array[]): Uint8Array[] {
  return chain.slice(chain.findLastIndex((bytes) => isRootSigned(parseRoster(bytes))));
}

function parsedHash(proof: ProofFrame): Uint8Array {
  const last = proof.chain.at(-1);
  return last === undefined ? ZEROS : hash(last);
}

function fieldsOf(space: SpaceRecord): { space: Uint8Array } {
  return { space: parseRoster(space.chain[0]!).space };
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
