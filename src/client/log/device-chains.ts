/*
 * Per device: the last entry seen, from clear fields only. Finds entries left out, shown twice or out of order before any head is
 * compared, and tells what an entry's sealed `previous` must be.
 */
import { equalBytes } from '../../protocol/equal-bytes.js';
import { ZEROS } from '../../protocol/hash.js';
import { toHex } from '../../protocol/hex.js';
import { isZero } from '../is-zero.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import { LOG_EPOCH_FIRST } from './log-tree.js';

/** Below every log epoch. */
export const LOG_EPOCH_NONE = 0;

/** The last entry of one device. */
export interface ChainLink {
  readonly device: Uint8Array;
  readonly pushSeq: number;
  readonly entryId: Uint8Array;
  /** The log epoch it was seen in; 0: not known. */
  readonly logEpoch: number;
  /** The highest push_seq handed to the app; above pushSeq while entries are pushed again after a reset. */
  readonly deliveredSeq: number;
}

/** An entry as the relay shows it in clear. */
export interface ShownEntry {
  readonly device: Uint8Array;
  readonly pushSeq: number;
  readonly entryId: Uint8Array;
}

export interface ChainVerdict {
  /** False: the app has it already, from before a reset. */
  readonly deliver: boolean;
  /** What the author must have named as its entry before; undefined: not known. */
  readonly previous: Uint8Array | undefined;
}

export class DeviceChains {
  readonly #links = new Map<string, ChainLink>();

  constructor(links: readonly ChainLink[] = []) {
    for (const link of links) this.#links.set(toHex(link.device), link);
  }

  links(): readonly ChainLink[] {
    return [...this.#links.values()];
  }

  of(device: Uint8Array): ChainLink | undefined {
    return this.#links.get(toHex(device));
  }

  /**
   * Up to which push_seq the author of a snapshot saw a device's entries. In the first log epoch the order of the log says the same;
   * in a later one an own look at an entry says nothing of those before it.
   */
  vouchedSeq(device: Uint8Array, logEpoch: number): number {
    const link = this.of(device);
    if (link === undefined) return 0;
    const inOrder = link.logEpoch === LOG_EPOCH_FIRST && logEpoch === LOG_EPOCH_FIRST;
    return inOrder || link.logEpoch === LOG_EPOCH_NONE ? link.pushSeq : 0;
  }

  /**
   * Replaces everything by what a snapshot says; own knowledge of delivered entries stays. After a log reset the author of the snapshot
   * may have known an entry whose device had still to push it again, so only the first log epoch says what must come next.
   */
  startFrom(chains: readonly ShownEntry[], logEpoch: number): void {
    const ordered = logEpoch === LOG_EPOCH_FIRST ? logEpoch : LOG_EPOCH_NONE;
    const before = [...this.#links];
    const delivered = new Map(before.map(([name, link]) => [name, link.deliveredSeq]));
    this.#links.clear();
    // Of a device that the author never saw, the app may have entries from before a log reset, which the device pushes again.
    for (const [name, link] of before) this.#links.set(name, { ...link, pushSeq: 0, entryId: ZEROS, logEpoch: LOG_EPOCH_NONE });
    for (const { device, pushSeq, entryId } of chains) {
      const name = toHex(device);
      this.#links.set(name, { device, pushSeq, entryId, logEpoch: ordered, deliveredSeq: Math.max(pushSeq, delivered.get(name) ?? 0) });
    }
  }

  /**
   * The newest entry of each device that the app has, wherever it was read: what a snapshot's state holds. Its id is zeros where the log that
   * is being read is behind it, as after a log reset while its device pushes again.
   */
  delivered(): readonly ShownEntry[] {
    return this.links()
      .filter(({ pushSeq, deliveredSeq }) => Math.max(pushSeq, deliveredSeq) > 0)
      .map(({ device, pushSeq, entryId, deliveredSeq }) => (deliveredSeq > pushSeq ? { device, pushSeq: deliveredSeq, entryId: ZEROS } : { device, pushSeq, entryId }));
  }

  /** The app took a state that holds these entries and all before them. */
  cover(chains: readonly ShownEntry[]): void {
    for (const { device, pushSeq } of chains) {
      const name = toHex(device);
      const link = this.#links.get(name) ?? { device, pushSeq: 0, entryId: ZEROS, logEpoch: LOG_EPOCH_NONE, deliveredSeq: 0 };
      this.#links.set(name, { ...link, deliveredSeq: Math.max(link.deliveredSeq, pushSeq) });
    }
  }

  /** Takes the next entry of the log; `later` are those that follow in the same frame. Throws what the order proves. */
  note(entry: ShownEntry, logEpoch: number, later: readonly ShownEntry[]): ChainVerdict {
    const name = toHex(entry.device);
    const known = this.#links.get(name);
    if (known !== undefined && known.logEpoch === logEpoch) checkOrder(known, entry, later);
    const deliveredSeq = known?.deliveredSeq ?? 0;
    this.#links.set(name, {
      ...entry,
      device: known?.device ?? entry.device.slice(),
      logEpoch,
      deliveredSeq: Math.max(deliveredSeq, entry.pushSeq),
    });
    return { deliver: entry.pushSeq > deliveredSeq, previous: expectedPrevious(known, entry, logEpoch) };
  }
}

// After a reset an entry may point to one that was lost, so only the first log epoch says that a device has none before.
function expectedPrevious(known: ChainLink | undefined, entry: ShownEntry, logEpoch: number): Uint8Array | undefined {
  if (known === undefined) return logEpoch === LOG_EPOCH_FIRST ? ZEROS : undefined;
  const isUnknown = known.pushSeq > 0 && isZero(known.entryId);
  return entry.pushSeq === known.pushSeq + 1 && !isUnknown ? known.entryId : undefined;
}

function checkOrder(known: ChainLink, entry: ShownEntry, later: readonly ShownEntry[]): void {
  if (entry.pushSeq === known.pushSeq + 1) return;
  if (entry.pushSeq <= known.pushSeq) {
    throw new MisbehaviourError(finding('replayed_entry', `entry ${entry.pushSeq} of a device after ${known.pushSeq}`));
  }
  const missing = known.pushSeq + 1;
  const swapped = later.some((other) => other.pushSeq === missing && equalBytes(other.device, entry.device));
  if (swapped) throw new MisbehaviourError(finding('reorder', `entry ${entry.pushSeq} of a device before its entry ${missing}`));
  throw new MisbehaviourError(finding('omission', `entry ${missing} of a device was left out`));
}
