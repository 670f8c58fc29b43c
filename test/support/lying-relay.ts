// A relay that speaks the real protocol with a real key and lies in one way, from the moment `begin` is called.
import type { Attestation } from '../../src/protocol/attestation.js';
import { equalBytes } from '../../src/protocol/equal-bytes.js';
import { toHex } from '../../src/protocol/hex.js';
import type { EntryItem } from '../../src/protocol/relay-frame.js';
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
] as const;

export type Lie = (typeof LIES)[number];

export class LyingRelay extends HonestRelay {
  #lie: Lie | undefined;
  /** What is shown instead, by the device it is shown to; `*` for all. */
  readonly #views = new Map<string, SpaceRecord>();
  #roster: { chain: readonly Uint8Array[]; keyring: Uint8Array } | undefined;
  #told = false;

  /** Lies from now on; `device` (hex) says to whom, where the lie is for one. */
  begin(lie: Lie, device?: string): void {
    this.#lie = lie;
    this.#told = false;
    const space = this.disk();
    const before = { ...copyOf(space), marks: space.marks, acks: space.acks, snapshots: space.snapshots };
    if (lie === 'freeze' && device !== undefined) this.#views.set(device, before);
    if (lie === 'fork' && device !== undefined) this.#views.set(device, before);
    if (lie === 'rollback') this.#views.set('*', { ...before, entries: space.entries.slice(0, -1) });
    if (lie === 'old-roster') this.#roster = { chain: [...space.chain], keyring: space.keyring };
  }

  protected override viewOf(session: RelaySession, space: SpaceRecord): SpaceRecord {
    return this.#views.get(toHex(session.device)) ?? this.#views.get('*') ?? space;
  }

  protected override append(session: RelaySession, space: SpaceRecord, entries: readonly StoredEntry[]): void {
    if (this.#lie === 'ack-without-storing' && !this.#told) return;
    super.append(session, this.viewOf(session, space), entries);
  }

  protected override attestReceipt(session: RelaySession, view: SpaceRecord, size: number, pushes: Uint8Array, entries: readonly StoredEntry[]): Promise<Attestation> {
    const unstored = this.#lie === 'ack-without-storing' && !this.#told;
    if (!unstored) return super.attestReceipt(session, view, size, pushes, entries);
    this.#told = true;
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
