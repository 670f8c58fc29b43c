// Compares what an entry's author saw (heads, roster, its own entry before) with what this device was shown.
import { equalBytes } from '../../protocol/equal-bytes.js';
import type { SeenHead } from '../crypto/entry-header.js';
import type { OpenedEntry } from '../crypto/seal.js';
import { encodeAttestation } from '../log/encode-attestation.js';
import { finding } from '../misbehaviour.js';
import type { Misbehaviour } from '../misbehaviour.js';
import type { SpaceContext } from '../space/space-context.js';
import type { FoldedEntry } from './reader.js';

/** Pongs a newer roster may take to arrive after an entry named it. */
const ROSTER_PONGS_MAX = 2;

interface RosterClaim {
  readonly version: number;
  readonly accuser: Uint8Array;
  readonly frame: Uint8Array;
  pongs: number;
}

export class HeaderJudge {
  readonly #context: SpaceContext;
  #newerRoster: RosterClaim | undefined;

  constructor(context: SpaceContext) {
    this.#context = context;
  }

  /** Reports every difference; the author is the accuser. */
  judge(entry: FoldedEntry, opened: OpenedEntry): void {
    if (entry.own) return;
    const evidence = { frames: [entry.frame], accuser: entry.device };
    if (entry.previous !== undefined && !this.#sealedElsewhere(opened) && !equalBytes(entry.previous, opened.previous)) {
      this.#context.report(finding('chain_gap', `entry ${entry.pushSeq} of a device does not continue its entry before`, evidence));
    }
    this.#judgeRoster(entry, opened);
    for (const seen of opened.seen) for (const found of this.#judgeSeen(entry, seen)) this.#context.report(found);
  }

  /** A pong came: a roster that authors know must have come before. */
  pong(): void {
    const claim = this.#newerRoster;
    if (claim === undefined) return;
    if (this.#context.roster.version >= claim.version) {
      this.#newerRoster = undefined;
      return;
    }
    claim.pongs += 1;
    if (claim.pongs < ROSTER_PONGS_MAX) return;
    this.#newerRoster = undefined;
    const { frame, accuser, version } = claim;
    this.#context.report(finding('roster_rollback', `an entry names roster ${version}, which is not shown`, { frames: [frame], accuser }));
  }

  // Under a new key epoch an author seals for one relay again what another one holds, so its chain differs there.
  #sealedElsewhere({ seen }: OpenedEntry): boolean {
    const { marks, identity } = this.#context;
    return marks.carry !== null && !seen.some(({ logId }) => equalBytes(logId, identity.logId));
  }

  #judgeRoster(entry: FoldedEntry, { roster: named }: OpenedEntry): void {
    const { roster } = this.#context;
    if (named.version > roster.version) {
      this.#newerRoster ??= { version: named.version, accuser: entry.device, frame: entry.frame, pongs: 0 };
      return;
    }
    const hash = roster.hashOf(named.version);
    if (hash === undefined || equalBytes(hash, named.hash)) return;
    const evidence = { frames: [entry.frame, ...roster.all.chain], accuser: entry.device };
    this.#context.report(finding('roster_fork', `an entry names another roster of version ${named.version}`, evidence));
  }

  #judgeSeen(entry: FoldedEntry, seen: SeenHead): readonly Misbehaviour[] {
    const { log, identity } = this.#context;
    const evidence = { frames: [entry.frame], accuser: entry.device };
    if (!equalBytes(seen.logId, identity.logId)) return [];
    if (seen.logEpoch > log.logEpoch) return [finding('fork', 'an author saw a later log epoch', evidence)];
    if (seen.logEpoch !== log.logEpoch) return [];
    if (seen.logEpoch === entry.logEpoch && seen.size >= entry.seq) {
      return [finding('fork', `the author of seq ${entry.seq} had seen ${seen.size} entries before`, evidence)];
    }
    const stale = log.staleAt(seen.size, seen.time);
    if (stale !== undefined) {
      const attestations = [encodeAttestation(stale)];
      return [finding('freeze', `size ${stale.size} was shown as present after an author saw ${seen.size}`, { ...evidence, attestations })];
    }
    return log.claim({ device: entry.device, logEpoch: seen.logEpoch, size: seen.size, head: seen.head, frame: entry.frame });
  }
}
