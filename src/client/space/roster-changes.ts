// Puts a changed roster and waits until the relay shows it; builds again when somebody else was first.
import { equalBytes } from '../../protocol/equal-bytes.js';
import { deviceOf } from '../../protocol/roster.js';
import type { Roster } from '../../protocol/roster.js';
import { ClientError } from '../client-error.js';
import type { SessionLink } from '../connection/connection-handler.js';
import type { Identity } from '../connection/handshake.js';
import type { RelayRefusal } from '../connection/relay-refusal.js';
import type { EpochKeys } from '../crypto/keyring.js';
import { sleep } from '../environment.js';
import type { Environment } from '../environment.js';
import { ROSTER_TRIES_MAX } from '../limits.js';
import { isApplied, nextRoster } from '../roster/roster-build.js';
import type { BuildTools, RosterChange } from '../roster/roster-build.js';
import { Answers } from '../sync/requests.js';

const RETRY_MS = 250;
/** Rosters of others that may come while the own change is on its way. */
const ANSWERS_MAX = 64;

/** What a roster change needs to know at each try. */
export interface RosterView {
  readonly roster: Roster;
  readonly keys: EpochKeys;
}

export interface RosterChangesOptions {
  readonly environment: Environment;
  readonly tools: BuildTools;
  readonly view: () => RosterView;
  /** The root, when this device holds the link's secret. */
  readonly root: Identity | null;
  readonly device: Identity | null;
}

export class RosterChanges {
  readonly #options: RosterChangesOptions;
  readonly #answers: Answers<RelayRefusal | null>;
  #waiting = false;
  /** Changes given up because another roster was shown first: their refusals are still to come. */
  #overtaken = 0;

  constructor(options: RosterChangesOptions) {
    this.#options = options;
    this.#answers = new Answers(options.environment, ANSWERS_MAX);
  }

  /** The relay showed a roster, changed or not. */
  shown(): void {
    if (this.#waiting) this.#answers.answer(null);
  }

  /** True when the refusal was about a roster. */
  refused(refusal: RelayRefusal): boolean {
    const about = refusal.name?.startsWith('roster_') === true || refusal.name === 'not_admin';
    if (about && this.#overtaken > 0 && refusal.name === 'roster_conflict') {
      this.#overtaken -= 1;
      return true;
    }
    if (!about || !this.#waiting) return false;
    this.#answers.answer(refusal);
    return true;
  }

  fail(cause: unknown): void {
    this.#overtaken = 0;
    this.#answers.fail(cause);
  }

  /** Resolves when the relay shows a roster with the change; `changeOf` is asked at each try. */
  async apply(link: () => SessionLink, changeOf: () => RosterChange, signal: AbortSignal): Promise<void> {
    const { environment, tools, view } = this.#options;
    for (let tries = 0; tries < ROSTER_TRIES_MAX; tries += 1) {
      const { roster, keys } = view();
      if (isApplied(roster, changeOf())) return;
      const news = await nextRoster(roster, keys, changeOf(), this.#signer(roster), tools);
      this.#answers.forget();
      this.#waiting = true;
      try {
        link().send({ type: 'RosterPut', ...news });
        const refusal = await this.#answers.next();
        if (refusal === null && isApplied(view().roster, changeOf())) return;
        if (refusal === null) this.#overtaken += 1;
        else if (refusal.name !== 'roster_conflict') throw refusal.error;
      } finally {
        this.#waiting = false;
      }
      await sleep(environment, RETRY_MS, signal);
    }
    throw new ClientError('roster_conflict', 'others changed the roster at the same time', { temporary: true, hint: 'Try again.' });
  }

  /** Throws `not_admin` when this device can sign no follower of the statement. */
  assertAllowed(roster: Roster): void {
    this.#signer(roster);
  }

  #signer(roster: Roster): Identity {
    const { root, device } = this.#options;
    if (device !== null && !equalBytes(device.key, roster.space) && deviceOf(roster, device.key)?.rights === 'admin') return device;
    if (root !== null) return root;
    throw new ClientError('not_admin', 'this device may not change the roster', { hint: 'Use a device with admin rights, or the space link.' });
  }
}
