/*
 * What only time shows in one session: entries that were announced and do not come, and a relay whose time stands still.
 *
 * Invariant: nothing is concluded from a timer alone. A device that slept, or was busy, finds what came meanwhile in its queue, so
 * an omission needs two answers that were asked for after the time was over and came, in the order of the connection, without entries.
 */
import type { Attestation } from '../../protocol/attestation.js';
import type { EntriesFrame, PongFrame } from '../../protocol/relay-frame.js';
import type { SessionLink } from '../connection/connection-handler.js';
import type { Timer } from '../environment.js';
import { encodeAttestation } from '../log/encode-attestation.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import type { SpaceContext } from './space-context.js';

/** Pongs remembered to see that the relay's clock moves. */
const PONG_TIMES_MAX = 16;
/** Heartbeats that announced entries may take to come, and that the attested time may stand still. */
const PATIENCE_HEARTBEATS = 2;
const ANSWERS_WITHOUT_ENTRIES_MAX = 2;
/** Above every nonce of the connection's own heartbeat. */
const NONCE_BASE = 2 ** 52;

interface Announced {
  readonly attestation: Attestation;
  readonly raw: Uint8Array;
  /** How far the log was read then: a frame that brings nothing keeps no promise. */
  readonly size: number;
}

export class RelayWatch {
  readonly #context: SpaceContext;
  readonly #link: SessionLink;
  readonly #heartbeatMs: number;
  #announced: Announced | undefined;
  #timer: Timer | undefined;
  #asked = 0;
  #answered = 0;
  /** Attested times of earlier pongs, with the own time they came at. */
  readonly #pongTimes: { readonly at: number; readonly time: number }[] = [];

  constructor(context: SpaceContext, link: SessionLink, heartbeatMs: number) {
    this.#context = context;
    this.#link = link;
    this.#heartbeatMs = heartbeatMs;
  }

  /** A frame of the subscription was read; its attestation may announce more. */
  entries({ attestation }: EntriesFrame, raw: Uint8Array): void {
    const { environment, log } = this.#context;
    if (this.#announced?.size === log.size) return;
    this.stop();
    if (attestation.size <= log.size) return;
    this.#announced = { attestation, raw, size: log.size };
    this.#timer = environment.after(PATIENCE_HEARTBEATS * this.#heartbeatMs, () => this.#ask());
  }

  /** Takes a pong whose attestation holds; throws `omission` or `freeze`. */
  pong({ nonce, attestation }: PongFrame, raw: Uint8Array): void {
    this.#checkClaims(attestation, raw);
    this.#checkTime(attestation);
    if (this.#announced === undefined || this.#asked === 0 || nonce !== NONCE_BASE + this.#asked) return;
    this.#answered += 1;
    if (this.#answered < ANSWERS_WITHOUT_ENTRIES_MAX) return;
    const { attestation: announced, raw: frame } = this.#announced;
    throw new MisbehaviourError(finding('omission', 'entries that were said to be held did not come', { attestations: [encodeAttestation(announced)], frames: [frame] }));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#announced = undefined;
    this.#asked = 0;
    this.#answered = 0;
  }

  #ask(): void {
    this.#asked += 1;
    this.#link.send({ type: 'Ping', nonce: NONCE_BASE + this.#asked });
    this.#timer = this.#context.environment.after(this.#heartbeatMs, () => this.#ask());
  }

  // The size rests on another device's word, so it is told and does not end the connection.
  #checkClaims(attestation: Attestation, raw: Uint8Array): void {
    const { log } = this.#context;
    const claim = log.greatestClaim;
    if (claim === undefined || attestation.logEpoch !== log.logEpoch || attestation.size >= claim.size) return;
    const evidence = { attestations: [encodeAttestation(attestation)], frames: [claim.frame, raw], accuser: claim.device };
    this.#context.report(finding('freeze', `size ${attestation.size} although a device saw ${claim.size}`, evidence));
  }

  #checkTime({ time, ...rest }: Attestation): void {
    const now = this.#context.environment.now();
    const old = this.#pongTimes.findLast(({ at }) => now - at >= PATIENCE_HEARTBEATS * this.#heartbeatMs);
    if (old !== undefined && time <= old.time) {
      throw new MisbehaviourError(finding('freeze', 'the attested time stands still', { attestations: [encodeAttestation({ time, ...rest })] }));
    }
    this.#pongTimes.push({ at: now, time });
    if (this.#pongTimes.length > PONG_TIMES_MAX) this.#pongTimes.shift();
  }
}
