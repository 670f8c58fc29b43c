/*
 * Takes Entries frames: checks order, folds leaves, compares heads, opens entries in order and hands them on.
 *
 * Invariants: R1 nothing is handed on before its leaf is folded and its author's rights and chain are judged; R2 entries are
 * handed on in the order of the log, each at most once; R3 progress is stored only up to the first quarantined entry.
 */
import { equalBytes } from '../../protocol/equal-bytes.js';
import { ZEROS, entryId, entryLeaf } from '../../protocol/hash.js';
import { toHex } from '../../protocol/hex.js';
import type { EntriesFrame, EntryItem } from '../../protocol/relay-frame.js';
import { deviceOf, entryAllowed } from '../../protocol/roster.js';
import { ENTRY_TYPE_CARRIED, ENTRY_TYPE_DEVICE_NAME } from '../crypto/entry-header.js';
import type { OpenedEntry } from '../crypto/seal.js';
import { SealError } from '../crypto/seal-error.js';
import { isZero } from '../is-zero.js';
import { QUARANTINE_ENTRIES_MAX } from '../limits.js';
import type { ShownEntry } from '../log/device-chains.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import { decodeName } from '../space/device-names.js';
import type { SpaceContext } from '../space/space-context.js';
import type { HeaderJudge } from './header-judge.js';

/** An entry that was folded and waits to be opened. */
export interface FoldedEntry extends ShownEntry {
  readonly seq: number;
  readonly logEpoch: number;
  readonly keyEpoch: number;
  readonly own: boolean;
  /** Undefined: an own entry the relay did not send back and the outbox no longer holds. */
  readonly sealed: Uint8Array | undefined;
  readonly previous: Uint8Array | undefined;
  readonly deliver: boolean;
  readonly frame: Uint8Array;
}

type Outcome = { readonly opened: OpenedEntry } | { readonly rejected: string } | { readonly quarantined: true };

export class Reader {
  readonly #context: SpaceContext;
  readonly #judge: HeaderJudge;
  #quarantine: FoldedEntry[] = [];
  #opening = false;
  /** Pongs that came while entries waited for a key. */
  #pongs = 0;
  /** Key epochs whose key is not waited for any more. */
  readonly #hopeless = new Set<number>();

  constructor(context: SpaceContext, judge: HeaderJudge) {
    this.#context = context;
    this.#judge = judge;
  }

  /** Whether some entry waits for a key; while it does, progress must not be stored or acked. */
  get quarantined(): boolean {
    return this.#quarantine.length > 0;
  }

  /** Whether every folded entry was handed on. */
  get settled(): boolean {
    return !this.#opening && !this.quarantined;
  }

  /** Takes a frame of the subscription whose attestation is signed. */
  async take(frame: EntriesFrame, raw: Uint8Array): Promise<void> {
    const { log } = this.#context;
    checkPlace(frame, log.size);
    this.#opening = true;
    const folded: FoldedEntry[] = [];
    try {
      await this.#foldAll(frame, raw, folded);
    } finally {
      // What was folded before something was found stays in the log, so it is handed on all the same.
      await this.#open(folded);
      this.#opening = false;
    }
  }

  /** A roster brought new keys: tries the waiting entries again. */
  retry(): Promise<void> {
    this.#pongs = 0;
    this.#hopeless.clear();
    return this.#again();
  }

  /**
   * The relay answered after it had shown the waiting entries. It takes no entry before the roster of its key epoch, so a roster that
   * does not come in time is none: the entry is rejected, and holds up nothing any more. Whether that happened.
   */
  async pong(): Promise<boolean> {
    if (!this.quarantined) return false;
    this.#pongs += 1;
    if (this.#pongs < KEY_PONGS_MAX) return false;
    this.#pongs = 0;
    for (const { keyEpoch } of this.#quarantine) if (!this.#context.roster.keys.has(keyEpoch)) this.#hopeless.add(keyEpoch);
    await this.#again();
    return true;
  }

  async #again(): Promise<void> {
    const waiting = this.#quarantine;
    this.#opening = true;
    this.#quarantine = [];
    await this.#open(waiting);
    this.#opening = false;
  }

  async #foldAll(frame: EntriesFrame, raw: Uint8Array, folded: FoldedEntry[]): Promise<void> {
    const { log, outbox, receipts } = this.#context;
    const shown = frame.items.map(shownEntry);
    for (const [i, entry] of shown.entries()) receipts.found(frame.firstSeq + i, this.#ownPushSeq(entry));
    log.admit(frame.attestation);
    for (const [i, item] of frame.items.entries()) {
      const entry = shown[i];
      if (entry !== undefined) folded.push(await this.#fold(item, entry, shown.slice(i + 1, i + 1 + LOOK_AHEAD), raw));
    }
    receipts.reached(log.size, (pushSeq) => (outbox.get(pushSeq)?.seq ?? 1) > 0);
  }

  async #fold(item: EntryItem, entry: ShownEntry, later: readonly ShownEntry[], frame: Uint8Array): Promise<FoldedEntry> {
    const { log, chains, device } = this.#context;
    const logEpoch = log.tree.logEpoch;
    const { deliver, previous } = chains.note(entry, logEpoch, later);
    const seq = log.size + 1;
    const own = equalBytes(item.device, device.key);
    const mine = this.#ownPushSeq(entry) !== undefined;
    for (const found of log.push(entryLeaf({ ...entry, keyEpoch: item.keyEpoch }))) this.#context.report(found);
    if (mine) await this.#ownFound(item.pushSeq, seq);
    const sealed = item.kind === 'sealed' ? item.sealed : mine ? this.#context.outbox.get(item.pushSeq)?.sealed : undefined;
    return { ...entry, seq, logEpoch, keyEpoch: item.keyEpoch, own, sealed, previous, deliver, frame };
  }

  #ownPushSeq(entry: ShownEntry): number | undefined {
    if (!equalBytes(entry.device, this.#context.device.key)) return undefined;
    const kept = this.#context.outbox.get(entry.pushSeq);
    return kept !== undefined && equalBytes(kept.entryId, entry.entryId) ? entry.pushSeq : undefined;
  }

  async #ownFound(pushSeq: number, seq: number): Promise<void> {
    const { outbox, writes, marks } = this.#context;
    await outbox.markStored([[pushSeq, seq]]);
    marks.own = { ...marks.own, storedPushSeq: Math.max(marks.own.storedPushSeq, pushSeq) };
    writes.stored(pushSeq, seq);
  }

  async #open(entries: readonly FoldedEntry[]): Promise<void> {
    const outcomes = await Promise.all(entries.map((entry) => this.#outcome(entry)));
    for (const [i, entry] of entries.entries()) {
      const outcome = outcomes[i];
      if (outcome === undefined) continue;
      if ('quarantined' in outcome || this.quarantined) this.#keep(entry);
      else if ('rejected' in outcome) this.#reject(entry, outcome.rejected);
      else this.#deliver(entry, outcome.opened);
    }
  }

  async #outcome(entry: FoldedEntry): Promise<Outcome> {
    const { roster, sealer, ed25519, identity, marks } = this.#context;
    const known = roster.known;
    const epochKey = roster.keys.get(entry.keyEpoch);
    // First, because the roster that brings the key may also be the one that brings the author.
    if (epochKey === undefined && !this.#hopeless.has(entry.keyEpoch)) return { quarantined: true };
    if (known === undefined || !entryAllowed(known, entry.device, entry.pushSeq)) return { rejected: 'the roster does not let this device write' };
    if (entry.sealed === undefined) return { rejected: entry.pushSeq > marks.own.pushSeq ? 'this device never pushed it' : 'not the entry this device pushed' };
    if (epochKey === undefined) return { rejected: 'no roster that the relay shows has its key' };
    const { device, pushSeq, keyEpoch, sealed } = entry;
    try {
      return { opened: await sealer.open({ ed25519, epochKey, keyEpoch, space: identity.space, device, pushSeq, sealed }) };
    } catch (cause) {
      if (cause instanceof SealError) return { rejected: cause.message };
      throw cause;
    }
  }

  #deliver(entry: FoldedEntry, opened: OpenedEntry): void {
    this.#judge.judge(entry, opened);
    if (!entry.deliver) return;
    if (opened.type === ENTRY_TYPE_DEVICE_NAME) {
      const { names, roster, events } = this.#context;
      const isMember = roster.known !== undefined && deviceOf(roster.known, entry.device) !== undefined;
      if (isMember && names.note(entry.device, decodeName(opened.items[0] ?? new Uint8Array()))) events.emit('devices', undefined);
      return;
    }
    if (opened.type === ENTRY_TYPE_CARRIED) {
      const { marks } = this.#context;
      const id = opened.items[0];
      if (marks.carry !== null && !entry.own && id?.length === ZEROS.length && !isZero(id)) marks.carry = { ...marks.carry, awaits: id };
      return;
    }
    const { seq, own, pushSeq } = entry;
    this.#context.events.emit('entry', { seq, device: toHex(entry.device), own, pushSeq, items: opened.items, time: opened.time });
  }

  #keep(entry: FoldedEntry): void {
    this.#quarantine.push(entry);
    if (this.#quarantine.length <= QUARANTINE_ENTRIES_MAX) return;
    const oldest = this.#quarantine.shift();
    if (oldest !== undefined) this.#reject(oldest, 'its key did not come in time');
  }

  #reject(entry: FoldedEntry, reason: string): void {
    if (!entry.deliver) return;
    const { seq, pushSeq, sealed } = entry;
    this.#context.events.emit('entry-rejected', { seq, device: toHex(entry.device), pushSeq, reason, sealed: sealed ?? new Uint8Array() });
  }
}

/** Pongs for which an entry waits for its key. */
const KEY_PONGS_MAX = 2;
/** How far ahead a missing entry is looked for, to tell a reordering from an omission. */
const LOOK_AHEAD = 64;

function shownEntry(item: EntryItem): ShownEntry {
  return { device: item.device, pushSeq: item.pushSeq, entryId: item.kind === 'sealed' ? entryId(item.sealed) : item.entryId };
}

function checkPlace(frame: EntriesFrame, size: number): void {
  if (frame.firstSeq > size + 1) throw new MisbehaviourError(finding('omission', `seq ${size + 1} was left out`));
  if (frame.firstSeq <= size) throw new MisbehaviourError(finding('replayed_entry', `seq ${frame.firstSeq} was shown before`));
  if (frame.firstSeq + frame.items.length - 1 > frame.attestation.size) {
    throw new MisbehaviourError(finding('protocol_violation', 'an entry above the attested size'));
  }
}
