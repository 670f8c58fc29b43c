// Tells the relay and the other devices how far this device verified the log, at most once a second.
import { ackSigningBytes } from '../../protocol/ack.js';
import { ACK_INTERVAL_MS } from '../../protocol/limits.js';
import type { SessionLink } from '../connection/connection-handler.js';
import type { Timer } from '../environment.js';
import type { SpaceContext } from '../space/space-context.js';

// Above the relay's interval, so that jitter on the way never makes it drop one.
const INTERVAL_MS = ACK_INTERVAL_MS + 50;

/** What the relay has been told in this session. */
export interface AckedPosition {
  readonly logEpoch: number;
  readonly size: number;
}

export class Acker {
  readonly #context: SpaceContext;
  readonly #ready: () => boolean;
  readonly #acked: (position: AckedPosition) => Promise<void>;
  #link: SessionLink | undefined;
  #timer: Timer | undefined;
  #notBefore = 0;
  /** The relay may have missed the last ack of an earlier session. */
  #again = false;

  /** `ready` says whether everything verified may be acked; `acked` is called after each ack was sent. */
  constructor(context: SpaceContext, ready: () => boolean, acked: (position: AckedPosition) => Promise<void>) {
    this.#context = context;
    this.#ready = ready;
    this.#acked = acked;
  }

  start(link: SessionLink): void {
    this.#link = link;
    this.#notBefore = 0;
    this.#again = true;
    this.schedule();
  }

  stop(): void {
    this.#link = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** There may be more to ack. */
  schedule(): void {
    const { environment } = this.#context;
    if (this.#link === undefined || this.#timer !== undefined || !this.#due()) return;
    this.#timer = environment.after(Math.max(0, this.#notBefore - environment.now()), () => {
      this.#ack().catch(() => undefined).finally(() => {
        this.#timer = undefined;
        this.schedule();
      });
    });
  }

  #due(): boolean {
    const { log, marks } = this.#context;
    const verified = log.verified;
    if (verified === undefined || verified.size === 0 || !this.#ready()) return false;
    return this.#again || verified.logEpoch !== marks.acked.logEpoch || verified.size > marks.acked.size;
  }

  // A failure here is a closed connection or a failed save; both are told elsewhere, and the next session acks again.
  async #ack(): Promise<void> {
    const { environment, ed25519, identity, device, log, marks } = this.#context;
    const verified = log.verified;
    if (verified === undefined || !this.#due()) return;
    this.#notBefore = environment.now() + INTERVAL_MS;
    this.#again = false;
    const { logEpoch, size, head, time } = verified;
    marks.acked = { logEpoch, size, time };
    await this.#context.save();
    const signature = await ed25519.sign(device.seed, ackSigningBytes(identity, { logEpoch, size, head }));
    this.#link?.send({ type: 'Ack', logEpoch, size, head, signature });
    await this.#acked({ logEpoch, size });
  }
}
