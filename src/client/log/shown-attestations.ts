/*
 * The attestations a client was shown in one log epoch: of the newest sizes, the earliest and the latest.
 *
 * Invariant: the remembered ones are consistent: a greater size never has a smaller time or floor, equal sizes have equal heads.
 * So a new one needs to be compared only with its neighbours.
 */
import type { Attestation } from '../../protocol/attestation.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { SHOWN_ATTESTATIONS_MAX } from '../limits.js';
import type { Misbehaviour } from '../misbehaviour.js';
import { finding } from '../misbehaviour.js';
import { encodeAttestation } from './encode-attestation.js';

interface Shown {
  readonly size: number;
  readonly earliest: Attestation;
  readonly latest: Attestation;
}

export class ShownAttestations {
  /** Ascending by size. */
  #shown: Shown[] = [];

  /** The one with the greatest size and, of that, the greatest time. */
  get newest(): Attestation | undefined {
    return this.#shown.at(-1)?.latest;
  }

  /** The pair rule of docs/protocol.md section 5; undefined when the attestation is consistent with all that were shown. */
  compare(attestation: Attestation): Misbehaviour | undefined {
    const at = this.#place(attestation.size);
    const same = this.#shown[at];
    const above = same?.size === attestation.size ? this.#shown[at + 1] : same;
    if (same?.size === attestation.size && !equalBytes(same.latest.head, attestation.head)) {
      return pair('fork', `two heads of size ${attestation.size}`, same.latest, attestation);
    }
    return ordered(this.#shown[at - 1]?.latest, attestation) ?? ordered(attestation, above?.earliest);
  }

  /** Remembers one that was compared. */
  add(attestation: Attestation): void {
    const at = this.#place(attestation.size);
    const same = this.#shown[at];
    if (same?.size === attestation.size) {
      const earliest = attestation.time < same.earliest.time ? attestation : same.earliest;
      const latest = attestation.time >= same.latest.time ? attestation : same.latest;
      this.#shown[at] = { size: same.size, earliest, latest };
      return;
    }
    this.#shown.splice(at, 0, { size: attestation.size, earliest: attestation, latest: attestation });
    if (this.#shown.length > SHOWN_ATTESTATIONS_MAX) this.#shown.shift();
  }

  /** One whose time is above `time` although its size is below `size`: proof of a freeze for whoever saw that size at that time. */
  staleAt(size: number, time: number): Attestation | undefined {
    return this.#shown.find((shown) => shown.size < size && shown.latest.time > time)?.latest;
  }

  clear(): void {
    this.#shown = [];
  }

  // The first index whose size is not below; new attestations are almost always the newest, so it searches from the end.
  #place(size: number): number {
    let at = this.#shown.length;
    while (at > 0 && (this.#shown[at - 1]?.size ?? 0) >= size) at -= 1;
    return at;
  }
}

function ordered(smaller: Attestation | undefined, greater: Attestation | undefined): Misbehaviour | undefined {
  if (smaller === undefined || greater === undefined) return undefined;
  if (smaller.time > greater.time) return pair('freeze', `size ${smaller.size} attested as present after size ${greater.size}`, smaller, greater);
  if (smaller.floor > greater.floor) return pair('rollback', 'the floor fell', smaller, greater);
  return undefined;
}

function pair(kind: 'fork' | 'freeze' | 'rollback', detail: string, one: Attestation, other: Attestation): Misbehaviour {
  return finding(kind, detail, { attestations: [encodeAttestation(one), encodeAttestation(other)] });
}
