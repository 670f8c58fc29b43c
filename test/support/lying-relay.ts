// A relay that speaks the real protocol with a real key and lies in one way, from the moment `begin` is called.
import type { Attestation } from '../../src/protocol/attestation.js';
import { equalBytes } from '../../src/protocol/equal-bytes.js';
import { entryId } from '../../src/protocol/hash.js';
import { toHex } from '../../src/protocol/hex.js';
import type { EntryItem, RetentionPolicy } from '../../src/protocol/relay-frame.js';
import { HonestRelay, copyOf, sizeOf } from './honest-relay.js';
import type { RelaySession, SpaceRecord, StoredEntry } from './honest-relay.js';

/**
 * - `omit`, `reorder`, `replay`: once, in a frame of at least three entries, to a device that is not their author.
 * - `rollback`: shows the log without its last entry.
 * - `fork`: shows every device that connects from then on a log of its own.
 * - `freeze`: shows the device that connected last the log as it was, and keeps acks back.
 * - `ack-without-storing`: receipts a push and forgets it.
 * - `false-cursor-expired`: calls every cursor expired. `forget-early`: with a floor made up for it.
 * - `old-roster`: shows the roster as it was.
 * - `forged-head`: signs heads of a log nobody was shown.
 * - `withhold-tail`: signs that there is more and does not hand it out.
 * - `stale-pong`: answers every ping with one old attestation.
 * - `hide-roster`: shows one device no new roster. `other-keyring`: shows it one with another keyring.
 * - `withhold-leaves`: a month later it has forgotten all but the last entry, and gives no leaves of what is gone.
 * - `short-policy`: keeps entries half as long as it said. `fast-clock`: two days ahead.
 * - `high-water`: says that it holds more of a device than the device ever made.
 * - `false-duplicate`: calls a push a duplicate and stores nothing.
 * - `foreign-push`: puts bytes of its own into the log as an entry of the device.
 */
export const LIES = [
  'omit',
  'reorder',
  'replay',
  'rollback',
  'fork',
  'freeze',
  'ack-without-storing',
  'false-cursor-expired',
  'forget-early',
  'old-roster',
  'forged-head',
  'withhold-tail',
  'stale-pong',
  'hide-roster',
  'other-keyring',
  'withhold-leaves',
  'short-policy',
  'fast-clock',
  'high-water',
  'false-duplicate',
  'foreign-push',
] as const;

const DAY_MS = 86_400_000;

export type Lie = (typeof LIES)[number];

export class LyingRelay extends HonestRelay {
  #lie: Lie | undefined;
  /** What is shown instead, by the device it is shown to; `*` for all. */
  readonly #views = new Map<string, SpaceRecord>();
  #roster: { chain: readonly Uint8Array[]; keyring: Uint8Array } | undefined;
  #told = false;
  #to: string | undefined;
  #stalePong: Attestation | undefined;

  /** Lies from now on; `device` (hex) says to whom, where the lie is for one. */
  begin(lie: Lie, device?: string): void {
    this.#lie = lie;
    this.#told = false;
    this.#to = device;
    const space = this.disk();
    const before = { ...copyOf(space), marks: space.marks, acks: space.acks, snapshots: space.snapshots };
    if (lie === 'freeze' && device !== undefined) this.#views.set(device, before);
    if (lie === 'fork' && device !== undefined) this.#views.set(device, before);
    if (lie === 'rollback') this.#views.set('*', { ...before, entries: space.entries.slice(0, -1) });
    if (lie === 'withhold-leaves') this.forget(sizeOf(space) - 1);
    if (lie === 'foreign-push' && device !== undefined) this.#pushAs(Buffer.from(device, 'hex'), space);
    if (lie === 'old-roster') this.#roster = { chain: [...space.chain], keyring: space.keyring };
  }

  protected override viewOf(session: RelaySession, space: SpaceRecord): SpaceRecord {
    return this.#views.get(toHex(session.device)) ?? this.#views.get('*') ?? space;
  }

  protected override append(session: RelaySession, space: SpaceRecord, entries: readonly StoredEntry[]): void {
    if ((this.#lie === 'ack-without-storing' || this.#lie === 'false-duplicate') && !this.#told) return;
    super.append(session, this.viewOf(session, space), entries);
  }

  protected override attestReceipt(session: RelaySession, view: SpaceRecord, size: number, pushes: Uint8Array, entries: readonly StoredEntry[]): Promise<Attestation> {
    const unstored = (this.#lie === 'ack-without-storing' || this.#lie === 'false-duplicate') && !this.#told;
    if (!unstored) return super.attestReceipt(session, view, size, pushes, entries);
    this.#told = true;
    if (this.#lie === 'false-duplicate') return this.attest(session, view, sizeOf(view), pushes);
    return this.attest(session, { ...view, entries: [...view.entries, ...entries] }, size, pushes);
  }

  protected override attest(session: RelaySession, space: SpaceRecord, size: number, pushes?: Uint8Array): Promise<Attestation> {
    if (this.#lie !== 'forged-head') return super.attest(session, space, size, pushes);
    const entries = space.entries.map((entry) => ({ ...entry, keyEpoch: entry.keyEpoch + 1 }));
    return super.attest(session, { ...space, entries }, size, pushes);
  }

  protected override shown(session: RelaySession, _firstSeq: number, items: readonly EntryItem[]): readonly EntryItem[] {
    const [first, second, third, ...rest] = items;
    const others = items.every(({ device }) => !equalBytes(device, session.device));
    if (this.#lie === 'withhold-tail' && others) {
      const kept = this.#told ? [] : items.slice(0, 1);
      this.#told = true;
      return kept;
    }
    if (this.#told || first === undefined || second === undefined || third === undefined || !others) return items;
    const lies: Partial<Record<Lie, readonly EntryItem[]>> = {
      omit: [first, third, ...rest],
      reorder: [first, third, second, ...rest],
      replay: [first, second, second, third, ...rest].slice(0, items.length),
    };
    const lied = this.#lie === undefined ? undefined : lies[this.#lie];
    this.#told = lied !== undefined;
    return lied ?? items;
  }

  protected override receiptStatus(): 'stored' | 'duplicate' {
    return this.#lie === 'false-duplicate' ? 'duplicate' : 'stored';
  }

  protected override async pongAttestation(session: RelaySession, view: SpaceRecord): Promise<Attestation> {
    if (this.#lie !== 'stale-pong') return super.pongAttestation(session, view);
    this.#stalePong ??= await super.pongAttestation(session, view);
    return this.#stalePong;
  }

  protected override rosterNews(session: RelaySession, space: SpaceRecord): { chain: readonly Uint8Array[]; keyring: Uint8Array } | null {
    const news = super.rosterNews(session, space);
    if (toHex(session.device) !== this.#to || news === null) return news;
    if (this.#lie === 'hide-roster') return null;
    return this.#lie === 'other-keyring' ? { ...news, keyring: news.keyring.map((byte, i) => (i === 40 ? byte ^ 1 : byte)) } : news;
  }

  protected override leavesOf(view: SpaceRecord): readonly Uint8Array[] {
    return this.#lie === 'withhold-leaves' ? [] : super.leavesOf(view);
  }

  protected override retention(): RetentionPolicy {
    const policy = super.retention();
    return this.#lie === 'short-policy' ? { ...policy, retentionMs: policy.retentionMs / 2 } : policy;
  }

  protected override time(): number {
    const ahead: Partial<Record<Lie, number>> = { 'fast-clock': 2 * DAY_MS, 'withhold-leaves': 31 * DAY_MS };
    return super.time() + (this.#lie === undefined ? 0 : (ahead[this.#lie] ?? 0));
  }

  protected override markOf(session: RelaySession, view: SpaceRecord): ReturnType<HonestRelay['markOf']> {
    const mark = super.markOf(session, view);
    return this.#lie === 'high-water' && mark !== undefined ? { ...mark, pushSeq: mark.pushSeq + 5 } : mark;
  }

  #pushAs(device: Uint8Array, space: SpaceRecord): void {
    const pushSeq = (space.marks.get(toHex(device))?.pushSeq ?? 0) + 1;
    const sealed = new Uint8Array(256).fill(1);
    space.entries.push({ device, pushSeq, keyEpoch: 1, sealed, id: entryId(sealed) });
  }

  protected override floorOf(session: RelaySession, space: SpaceRecord): number {
    return this.#lie === 'forget-early' ? sizeOf(space) + 1 : super.floorOf(session, space);
  }

  protected override expires(session: RelaySession, view: SpaceRecord, after: number): boolean {
    return this.#lie === 'false-cursor-expired' || super.expires(session, view, after);
  }

  protected override rosterChain(session: RelaySession, space: SpaceRecord): { chain: readonly Uint8Array[]; keyring: Uint8Array } {
    return this.#lie === 'old-roster' && this.#roster !== undefined ? this.#roster : super.rosterChain(session, space);
  }

  protected override forwardsAcks(): boolean {
    return this.#lie !== 'freeze';
  }
}
