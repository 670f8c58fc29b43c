/*
 * Sends the outbox in order, several pushes at a time, and starts again at the first refused one.
 *
 * Invariants: P1 nothing is pushed before the own roster is the relay's; P2 bytes and pushes in flight are bounded; P3 after a
 * refusal nothing is sent until every push in flight is answered; P4 an entry is sealed again only when no relay can hold it; P5 only
 * what this device has stored is sent.
 */
import { ByteReader } from '../../protocol/byte-reader.js';
import { deviceOf, mayWrite } from '../../protocol/roster.js';
import type { WelcomeFrame } from '../../protocol/relay-frame.js';
import { ClientError } from '../client-error.js';
import type { RelayRefusal } from '../connection/relay-refusal.js';
import type { SessionLink } from '../connection/connection-handler.js';
import type { Timer } from '../environment.js';
import { PUSHES_IN_FLIGHT_MAX, PUSH_BYTES_IN_FLIGHT, PUSH_BYTES_TARGET, PUSH_ENTRIES_TARGET, PUSH_RETRY_MS } from '../limits.js';
import type { ReceiptEvidence } from '../log/receipt-book.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import type { OutboxEntry } from '../outbox/outbox-store.js';
import type { SpaceContext } from '../space/space-context.js';
import type { Sealing } from './sealing.js';

const ENTRY_OVERHEAD_BYTES = 4;
// Trying these again without a change can only fail again; the others wait for time or for a new roster.
const FINAL_REFUSALS: ReadonlySet<string> = new Set(['read_only', 'entry_too_large', 'too_many_entries', 'push_seq_conflict', 'request_invalid']);

interface InFlight {
  readonly first: number;
  readonly count: number;
  readonly bytes: number;
  /** Entries without a receipt yet. */
  open: number;
}

interface PushSession {
  readonly link: SessionLink;
  readonly welcome: WelcomeFrame;
  next: number;
  bytes: number;
  readonly inFlight: InFlight[];
  /** Set by a refusal: from where, and when, to start again. */
  restart: { readonly at: number; readonly delayMs: number } | undefined;
  stopped: boolean;
}

export class Pusher {
  readonly #context: SpaceContext;
  readonly #sealing: Sealing;
  readonly #failed: (cause: unknown) => void;
  #session: PushSession | undefined;
  #running = false;
  #kicked = false;
  #retry: Timer | undefined;

  constructor(context: SpaceContext, sealing: Sealing, failed: (cause: unknown) => void) {
    this.#context = context;
    this.#sealing = sealing;
    this.#failed = failed;
  }

  start(link: SessionLink, welcome: WelcomeFrame): void {
    this.#session = { link, welcome, next: welcome.pushSeqHigh + 1, bytes: 0, inFlight: [], restart: undefined, stopped: false };
    this.kick();
  }

  stop(): void {
    this.#session = undefined;
    this.#retry?.cancel();
  }

  /** There may be something to send: an entry, a receipt, a roster. */
  kick(): void {
    this.#kicked = true;
    if (this.#running || this.#session === undefined) return;
    this.#running = true;
    this.#kicked = false;
    const session = this.#session;
    this.#run(session)
      .catch((cause: unknown) => {
        if (this.#session === session) this.#failed(cause);
      })
      .finally(() => {
        this.#running = false;
        if (this.#kicked) this.kick();
      });
  }

  /** Takes a receipt whose attestation holds. */
  async receipt(evidence: ReceiptEvidence): Promise<void> {
    const { frame } = evidence;
    const { outbox, device, receipts, log, chains, marks } = this.#context;
    const entries = Array.from({ length: frame.count }, (_, i) => outbox.get(frame.pushSeqFirst + i));
    const known = entries.filter((entry) => entry !== undefined);
    if (known.length === frame.count) receipts.check(device.key, known.map(({ entryId }) => entryId), evidence);
    this.#answered(frame.pushSeqFirst, frame.count);
    // What a snapshot took the place of was not folded one by one: there its author's word stands for the fold.
    const vouched = chains.vouchedSeq(device.key, log.tree.logEpoch);
    const isVouched = ({ pushSeq, seq }: OutboxEntry): boolean => seq === 0 && pushSeq <= vouched;
    if (frame.status === 'stored') {
      // Those that every device acked already are gone from the outbox.
      const seqOf = ({ pushSeq }: OutboxEntry) => frame.seqFirst + (pushSeq - frame.pushSeqFirst);
      for (const entry of known) {
        const seq = seqOf(entry);
        if (seq > log.size) receipts.promise(seq, entry.pushSeq, evidence);
        else if (entry.seq !== seq && !isVouched(entry)) receipts.contradicted(seq, evidence);
      }
      marks.own = { ...marks.own, storedPushSeq: Math.max(marks.own.storedPushSeq, frame.pushSeqFirst + frame.count - 1) };
      await this.#place(known.map((entry) => [entry.pushSeq, seqOf(entry)]));
    } else {
      for (const entry of known) if (entry.seq === 0 && !isVouched(entry)) receipts.owe(entry.pushSeq, evidence);
      await this.#place(known.filter(isVouched).map(({ pushSeq }) => [pushSeq, frame.attestation.size]));
      receipts.reached(log.size, (pushSeq) => (outbox.get(pushSeq)?.seq ?? 1) > 0);
    }
    this.kick();
  }

  async #place(places: readonly (readonly [number, number])[]): Promise<void> {
    const { outbox, writes } = this.#context;
    await outbox.markStored(places);
    for (const [pushSeq, seq] of places) writes.stored(pushSeq, seq);
  }

  /** True when the refusal was about a push. */
  refused(refusal: RelayRefusal, raw: Uint8Array): boolean {
    const session = this.#session;
    const push = session?.inFlight.find(({ first }) => first === refusal.context);
    if (session === undefined || push === undefined) return false;
    this.#answered(push.first, push.count);
    if (refusal.name !== undefined && FINAL_REFUSALS.has(refusal.name)) {
      session.stopped = true;
      this.#context.events.emit('error', refusal.error);
    } else if (refusal.name === 'quota_exceeded') {
      // It is tried again all the same: room is made by forgetting.
      this.#context.events.emit('error', refusal.error);
    }
    const at = refusal.name === 'push_seq_gap' ? this.#expected(refusal, raw) : push.first;
    if (refusal.name === 'push_seq_gap' && this.#isGone(at)) {
      session.stopped = true;
      this.#context.events.emit('error', new ClientError('carried_too_little', `the relay lacks own entries from ${at} on, which this device let go of`, { hint: 'Open the space again by its link, as a new device.' }));
    }
    if (session.restart === undefined || at < session.restart.at) {
      const delayMs = refusal.name === 'push_seq_gap' || refusal.name === 'key_epoch_old' ? refusal.retryAfterMs : Math.max(PUSH_RETRY_MS, refusal.retryAfterMs);
      session.restart = { at: session.restart === undefined ? at : Math.min(at, session.restart.at), delayMs };
    }
    this.kick();
    return true;
  }

  // More was written while the relay was away than is kept for it.
  #isGone(pushSeq: number): boolean {
    const { outbox, marks } = this.#context;
    return marks.carry !== null && pushSeq <= marks.own.pushSeq && outbox.get(pushSeq) === undefined;
  }

  #expected(refusal: RelayRefusal, raw: Uint8Array): number {
    const { outbox, marks } = this.#context;
    if (refusal.detail.length !== 8) return refusal.context;
    const expected = new ByteReader(refusal.detail).u64();
    if (expected <= marks.own.storedPushSeq && (outbox.get(expected)?.seq ?? 1) > 0) {
      throw new MisbehaviourError(finding('rollback', 'the relay asks for an entry it receipted', { frames: [raw] }));
    }
    return expected;
  }

  // A receipt may cover a part of a push, or several pushes in a row.
  #answered(first: number, count: number): void {
    const session = this.#session;
    if (session === undefined) return;
    const covers = (push: InFlight) => Math.min(push.first + push.count, first + count) - Math.max(push.first, first);
    for (const push of session.inFlight.filter((inFlight) => covers(inFlight) > 0)) {
      push.open -= Math.min(push.open, covers(push));
      if (push.open > 0) continue;
      session.bytes -= push.bytes;
      session.inFlight.splice(session.inFlight.indexOf(push), 1);
    }
  }

  async #run(session: PushSession): Promise<void> {
    for (;;) {
      if (this.#session !== session || session.stopped || !this.#rosterAgrees(session)) return;
      if (session.restart !== undefined) {
        if (session.inFlight.length === 0) this.#scheduleRestart(session, session.restart);
        return;
      }
      if (session.inFlight.length >= PUSHES_IN_FLIGHT_MAX || session.bytes >= PUSH_BYTES_IN_FLIGHT) return;
      const entries = this.#gather(session);
      const first = entries[0];
      if (first === undefined) return;
      if (first.keyEpoch !== this.#context.roster.known?.keyEpoch) {
        if (session.inFlight.length > 0) return;
        await this.#sealing.reseal(first.pushSeq);
        continue;
      }
      await session.link.writable();
      if (this.#session !== session || session.restart !== undefined) continue;
      this.#send(session, first, entries);
    }
  }

  #send(session: PushSession, first: OutboxEntry, entries: readonly OutboxEntry[]): void {
    const bytes = entries.reduce((sum, { sealed }) => sum + sealed.length, 0);
    session.inFlight.push({ first: first.pushSeq, count: entries.length, bytes, open: entries.length });
    session.bytes += bytes;
    session.next = first.pushSeq + entries.length;
    session.link.send({ type: 'Push', pushSeqFirst: first.pushSeq, keyEpoch: first.keyEpoch, entries: entries.map(({ sealed }) => sealed) });
  }

  // Entries of one key epoch; the first push of a device in a log epoch may start above what the relay holds.
  #gather(session: PushSession): OutboxEntry[] {
    const { outbox } = this.#context;
    const { limits } = session.welcome;
    const entriesMax = Math.min(limits.pushEntriesMax, PUSH_ENTRIES_TARGET);
    const bytesMax = Math.min(limits.messageBytesMax - 1024, PUSH_BYTES_TARGET, limits.pushBytesInFlightMax);
    const first = outbox.get(session.next) ?? outbox.firstUnsent(session.next);
    const entries: OutboxEntry[] = [];
    let bytes = 0;
    for (let entry = first; entry !== undefined && outbox.isKept(entry.pushSeq); entry = outbox.get(entry.pushSeq + 1)) {
      bytes += entry.sealed.length + ENTRY_OVERHEAD_BYTES;
      const fits = entries.length < entriesMax && (bytes <= bytesMax || entries.length === 0);
      if (!fits || entry.keyEpoch !== first?.keyEpoch) break;
      entries.push(entry);
    }
    return entries;
  }

  #rosterAgrees(session: PushSession): boolean {
    const { roster, device } = this.#context;
    return roster.known !== undefined && roster.version >= session.welcome.rosterVersion && mayWrite(deviceOf(roster.known, device.key));
  }

  #scheduleRestart(session: PushSession, restart: { readonly at: number; readonly delayMs: number }): void {
    this.#retry?.cancel();
    this.#retry = this.#context.environment.after(restart.delayMs, () => {
      session.restart = undefined;
      session.next = restart.at;
      this.kick();
    });
  }
}
