// Purging the log and erasing the space at the relay, as its devices ask for it.
import { eraseSigningBytes, purgeSigningBytes } from '../../protocol/erasure.js';
import { FrameError } from '../../protocol/frame-error.js';
import { FEATURE_ERASURE } from '../../protocol/limits.js';
import type { PurgedFrame } from '../../protocol/relay-frame.js';
import { deviceOf } from '../../protocol/roster.js';
import { ClientError } from '../client-error.js';
import type { SessionLink } from '../connection/connection-handler.js';
import type { RelayRefusal } from '../connection/relay-refusal.js';
import { Answers } from '../sync/requests.js';
import type { SpaceContext } from '../space/space-context.js';

/** The refusals that answer a Purge or an Erase. */
const ABOUT_ERASURE: ReadonlySet<string | undefined> = new Set(['space_erased', 'erase_invalid', 'purge_invalid', 'purge_too_early', 'not_admin', 'roster_conflict', 'disk_full']);

export class Erasures {
  readonly #context: SpaceContext;
  readonly #answers: Answers<RelayRefusal | PurgedFrame>;
  #waiting = false;

  constructor(context: SpaceContext) {
    this.#context = context;
    this.#answers = new Answers(context.environment, 1);
  }

  /** Resolves when the relay says that nothing of the space is left; the connection ends with it. */
  async erase(link: SessionLink): Promise<void> {
    const { roster, log, device, ed25519, identity } = this.#context;
    this.#assertAllowed(link);
    const claim = { logEpoch: log.logEpoch, rosterVersion: roster.version, rosterHash: roster.hash };
    const signature = await ed25519.sign(device.seed, eraseSigningBytes(identity, claim));
    const answer = await this.#ask(() => link.send({ type: 'Erase', ...claim, signature }));
    if ('type' in answer || answer.name !== 'space_erased') throw 'type' in answer ? unexpected() : answer.error;
  }

  /** Resolves when the relay says that everything up to that size is overwritten; no size: everything this device verified. */
  async purge(link: SessionLink, upToSize: number | undefined): Promise<number> {
    const { log, device, ed25519, identity, verifier } = this.#context;
    this.#assertAllowed(link);
    const size = upToSize ?? log.verified?.size ?? 0;
    const head = size >= 1 && size <= (log.verified?.size ?? 0) ? log.headAt(size) : undefined;
    if (head === undefined) {
      throw new ClientError('bad_option', `this device cannot tell the head at size ${size}`, { hint: 'Name one of the newest sizes that it has read.' });
    }
    const claim = { logEpoch: log.logEpoch, size, head };
    const signature = await ed25519.sign(device.seed, purgeSigningBytes(identity, claim));
    const answer = await this.#ask(() => link.send({ type: 'Purge', ...claim, signature }));
    if (!('type' in answer)) throw answer.error;
    await verifier.check(answer.attestation);
    if (answer.size !== size || answer.attestation.floor <= size) throw unexpected();
    return size;
  }

  async #ask(send: () => void): Promise<RelayRefusal | PurgedFrame> {
    if (this.#waiting) throw new ClientError('busy', 'another purge or erasure is under way', { temporary: true });
    this.#answers.forget();
    this.#waiting = true;
    try {
      send();
      return await this.#answers.next();
    } finally {
      this.#waiting = false;
    }
  }

  /** The relay purged what this device asked for. */
  purged(frame: PurgedFrame): void {
    if (!this.#waiting) throw new FrameError('unexpected_frame', 'a Purged that nobody asked for');
    this.#answers.answer(frame);
  }

  #assertAllowed(link: SessionLink): void {
    const { roster, device } = this.#context;
    if (roster.known === undefined || deviceOf(roster.known, device.key)?.rights !== 'admin') {
      throw new ClientError('not_admin', 'this device may neither purge nor erase', { hint: 'Use a device with admin rights.' });
    }
    if ((link.features & FEATURE_ERASURE) === 0n) throw new ClientError('not_supported', 'this relay neither purges nor erases', { hint: 'Update the relay.' });
  }

  /** True when the refusal answers a request of this device. */
  refused(refusal: RelayRefusal): boolean {
    if (!this.#waiting || !ABOUT_ERASURE.has(refusal.name)) return false;
    this.#answers.answer(refusal);
    return true;
  }

  fail(cause: unknown): void {
    this.#answers.fail(cause);
  }
}

function unexpected(): FrameError {
  return new FrameError('unexpected_frame', 'an answer to something else');
}
