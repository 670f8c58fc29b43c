// Brings a new device into a space by its link: connects as the root, reads the roster, and adds the device's key to it.
import { ZEROS } from '../../protocol/hash.js';
import { connectUrl } from '../../protocol/address.js';
import type { SpaceLink } from '../../protocol/address.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import type { GoawayFrame, RelayFrame, WelcomeFrame } from '../../protocol/relay-frame.js';
import { parseRoster } from '../../protocol/roster.js';
import type { DeviceRights } from '../../protocol/roster.js';
import type { ChainAndKeyring } from '../../protocol/roster-chain.js';
import { ClientError } from '../client-error.js';
import { ConnectionDriver } from '../connection/driver.js';
import type { ConnectionHandler, SessionLink } from '../connection/connection-handler.js';
import { relayRefusal } from '../connection/relay-refusal.js';
import type { RelayRefusal } from '../connection/relay-refusal.js';
import type { ConnectionState } from '../connection/machine.js';
import type { HandshakeOffer, Sponsor } from '../connection/handshake.js';
import type { DeviceSecret } from '../crypto/keys.js';
import type { Environment } from '../environment.js';
import { MisbehaviourError } from '../misbehaviour.js';
import { SpaceRoster } from '../roster/space-roster.js';
import type { SpaceRosterState } from '../roster/space-roster.js';
import type { OpenTransport } from '../transport/transport.js';
import { RosterChanges } from './roster-changes.js';

export interface EnrollInput {
  readonly link: SpaceLink;
  readonly root: DeviceSecret;
  readonly device: DeviceSecret;
  readonly rights: DeviceRights;
  readonly environment: Environment;
  readonly ed25519: Ed25519;
  readonly openTransport: OpenTransport;
  readonly signal: AbortSignal;
  /** The first statement of the space, with the device in it: given to a relay that does not know the space. */
  readonly founding?: ChainAndKeyring;
  /** What lets this device found it, where the relay asks for something. */
  readonly admission?: Uint8Array | undefined;
  readonly sponsor?: Sponsor | undefined;
}

/** Times a relay may say in turn that it does not know the space and that somebody else has made it. */
const FOUNDING_TRIES_MAX = 3;

/** Resolves with the roster that has the device; rejects with what makes it impossible, or the signal's reason. */
export async function enroll(input: EnrollInput): Promise<SpaceRosterState> {
  const { environment, openTransport, ed25519, link, signal } = input;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', aborted);
      driver.dispatch({ type: 'close' });
      settle();
    };
    const handler = new RootHandler(input, (roster) => end(() => resolve(roster)), (cause) => end(() => reject(cause)));
    const driver = new ConnectionDriver({ environment, openTransport, ed25519, url: connectUrl(link.address), frames: [] }, handler);
    const aborted = (): void => end(() => reject(signal.reason as Error));
    signal.addEventListener('abort', aborted, { once: true });
    driver.goOnline();
  });
}

class RootHandler implements ConnectionHandler {
  readonly #input: EnrollInput;
  readonly #done: (roster: SpaceRosterState) => void;
  readonly #failed: (cause: unknown) => void;
  readonly #roster: SpaceRoster;
  readonly #changes: RosterChanges;
  #link: SessionLink | undefined;
  #changing = false;
  #founding = false;
  #foundingTries = 0;

  constructor(input: EnrollInput, done: (roster: SpaceRosterState) => void, failed: (cause: unknown) => void) {
    this.#input = input;
    this.#done = done;
    this.#failed = failed;
    this.#roster = new SpaceRoster(input.root.key, input.root, input.ed25519);
    this.#changes = new RosterChanges({
      environment: input.environment,
      tools: { ed25519: input.ed25519, random: (length) => input.environment.randomBytes(length) },
      view: () => this.#view(),
      root: input.root,
      device: null,
    });
  }

  // The pinned roster of the link is not offered: the relay would then not show it.
  offer(): HandshakeOffer {
    const { root, link, founding, admission, sponsor } = this.#input;
    const identity = { space: root.key, logId: link.address.logId, identity: root };
    if (this.#founding && founding !== undefined) return { ...identity, rosterVersion: 1, rosterHash: chainHash(founding), news: founding, admission, sponsor };
    return { ...identity, rosterVersion: 0, rosterHash: ZEROS, news: { chain: [], keyring: new Uint8Array() } };
  }

  async opened(link: SessionLink, welcome: WelcomeFrame): Promise<void> {
    const { founding } = this.#input;
    this.#link = link;
    if (!this.#founding || founding === undefined) return;
    if (welcome.rosterVersion === 1 && equalBytes(welcome.rosterHash, chainHash(founding))) {
      this.#done({ ...founding, confirmed: true });
      return;
    }
    // Somebody else made the space in this moment: come in as everybody does.
    this.#founding = false;
    link.reconnect();
  }

  async frame(frame: Exclude<RelayFrame, GoawayFrame>): Promise<void> {
    if (frame.type === 'Error') {
      const refusal = relayRefusal(frame);
      if (!this.#changes.refused(refusal)) throw refusal.error;
    }
    if (frame.type !== 'RosterUpdate') return;
    await this.#roster.update(frame, this.#input.link.roster);
    this.#changes.shown();
    if (!this.#changing) this.#add();
  }

  down(): void {
    this.#link = undefined;
    this.#changes.fail(new ClientError('offline', 'the connection ended', { temporary: true }));
  }

  // A relay does not say whether it knows a space, so the first statement is shown to one that refuses.
  refused(refusal: RelayRefusal): boolean {
    const mayFound = this.#input.founding !== undefined && this.#foundingTries < FOUNDING_TRIES_MAX;
    if (!mayFound || (refusal.name !== 'handshake_failed' && refusal.name !== 'roster_conflict')) return false;
    this.#founding = !this.#founding;
    this.#foundingTries += this.#founding ? 1 : 0;
    return true;
  }

  failure(cause: unknown): ClientError {
    if (cause instanceof ClientError) return cause;
    const code = cause instanceof MisbehaviourError ? 'relay_misbehaved' : 'internal';
    return new ClientError(code, cause instanceof Error ? cause.message : 'the client failed', { cause });
  }

  stateChanged(state: ConnectionState): void {
    if (state.kind === 'failed') this.#failed(state.error);
  }

  #add(): void {
    const { device, rights, signal } = this.#input;
    this.#changing = true;
    const add = { key: device.key, hpke: device.hpke, rights, notAfter: 0 };
    this.#changes.apply(() => this.#openLink(), () => ({ add }), signal).then(
      () => this.#done({ ...this.#roster.state(), confirmed: true }),
      (cause: unknown) => {
        this.#changing = false;
        if (!(cause instanceof ClientError && cause.temporary)) this.#failed(this.failure(cause));
      },
    );
  }

  #openLink(): SessionLink {
    if (this.#link === undefined) throw new ClientError('offline', 'the connection ended', { temporary: true });
    return this.#link;
  }

  #view(): { roster: NonNullable<SpaceRoster['known']>; keys: SpaceRoster['keys'] } {
    if (this.#roster.known === undefined) throw new ClientError('offline', 'the roster was not shown yet', { temporary: true });
    return { roster: this.#roster.known, keys: this.#roster.keys };
  }
}

function chainHash({ chain }: ChainAndKeyring): Uint8Array {
  const [first] = chain;
  return first === undefined ? ZEROS : parseRoster(first).hash;
}
