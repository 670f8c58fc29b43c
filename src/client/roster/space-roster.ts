// The roster as this device verified it, with the keys its keyring gave: every change goes through `update`.
import type { Ed25519 } from '../../protocol/ed25519.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { FrameError } from '../../protocol/frame-error.js';
import { ZEROS } from '../../protocol/hash.js';
import type { ChainAndKeyring } from '../../protocol/roster-chain.js';
import { RosterError } from '../../protocol/roster-error.js';
import { verifyChain } from '../../protocol/roster-rules.js';
import { deviceOf, isRootSigned, parseRoster } from '../../protocol/roster.js';
import type { Roster } from '../../protocol/roster.js';
import { openKeyring } from '../crypto/keyring.js';
import type { EpochKeys } from '../crypto/keyring.js';
import type { DeviceSecret } from '../crypto/keys.js';
import { SealError } from '../crypto/seal-error.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import type { MisbehaviourKind } from '../misbehaviour.js';

/** A roster as it is stored: bytes only, so that they can be shown to a relay that lost them. */
export interface SpaceRosterState extends ChainAndKeyring {
  /** Whether the relay has shown the newest statement itself. */
  readonly confirmed: boolean;
}

const EMPTY: ChainAndKeyring = { chain: [], keyring: new Uint8Array() };

export class SpaceRoster {
  readonly #space: Uint8Array;
  readonly #reader: DeviceSecret;
  readonly #ed25519: Ed25519;
  #known: Roster | undefined;
  #chain: readonly Uint8Array[] = [];
  /** Of every statement of the chain, by version: asked for with each entry. */
  #hashes: ReadonlyMap<number, Uint8Array> = new Map();
  #keyring: Uint8Array = new Uint8Array();
  #keys: EpochKeys = new Map();
  #confirmed = false;

  /** `reader` opens the keyring: the device, or the root. */
  constructor(space: Uint8Array, reader: DeviceSecret, ed25519: Ed25519) {
    this.#space = space;
    this.#reader = reader;
    this.#ed25519 = ed25519;
  }

  /** The newest statement; undefined before the first update. */
  get known(): Roster | undefined {
    return this.#known;
  }

  get keys(): EpochKeys {
    return this.#keys;
  }

  get version(): number {
    return this.#known?.version ?? 0;
  }

  get hash(): Uint8Array {
    return this.#known?.hash ?? ZEROS;
  }

  get confirmed(): boolean {
    return this.#confirmed;
  }

  /** The chain from the newest root-signed statement on, and the newest keyring. */
  get all(): ChainAndKeyring {
    return this.#known === undefined ? EMPTY : { chain: this.#chain, keyring: this.#keyring };
  }

  state(): SpaceRosterState {
    return { ...this.all, confirmed: this.#confirmed };
  }

  /** The relay showed (or accepted) exactly the newest statement, or must be told of it again. */
  confirm(confirmed: boolean): void {
    this.#confirmed = confirmed;
  }

  /** The hash of a version this device still holds the statement of. */
  hashOf(version: number): Uint8Array | undefined {
    return this.#hashes.get(version);
  }

  /** Takes statements and the newest keyring; true when they were news. Throws the finding when they do not hold. */
  async update(news: ChainAndKeyring, pinned?: { readonly version: number; readonly hash: Uint8Array }): Promise<boolean> {
    const before = this.#known;
    const newest = await this.#verify(news.chain, pinned);
    if (before !== undefined && newest.version === before.version) return false;
    const keys = await this.#openKeys(newest, news.keyring);
    this.#chain = sinceRoot([...this.#chain, ...news.chain.filter((bytes) => parseRoster(bytes).version > (before?.version ?? 0))]);
    this.#hashes = new Map(this.#chain.map(parseRoster).map(({ version, hash }) => [version, hash]));
    this.#known = newest;
    this.#keyring = news.keyring;
    this.#keys = keys;
    return true;
  }

  async #verify(chain: readonly Uint8Array[], pinned?: { readonly version: number; readonly hash: Uint8Array }): Promise<Roster> {
    try {
      const known = this.#known === undefined ? {} : { known: this.#known };
      return await verifyChain(chain, { space: this.#space, ...known, ...(pinned === undefined ? {} : { pinned }) }, this.#ed25519);
    } catch (cause) {
      if (!(cause instanceof RosterError) && !(cause instanceof FrameError)) throw cause;
      throw new MisbehaviourError(finding(findingOf(cause), cause.message, { frames: [...this.#chain.slice(-1)] }));
    }
  }

  async #openKeys(roster: Roster, keyring: Uint8Array): Promise<EpochKeys> {
    const isReader = equalBytes(this.#reader.key, this.#space) || deviceOf(roster, this.#reader.key) !== undefined;
    if (!isReader) return this.#keys;
    try {
      const { hpkeSecret, hpke } = this.#reader;
      return await openKeyring({ keyring, roster, hpkeSecret, hpke, known: this.#keys });
    } catch (cause) {
      if (!(cause instanceof SealError)) throw cause;
      // Which keyring belongs to the statement is signed: only another one than that is the relay's doing.
      const accuser = cause.code === 'keyring_hash' ? null : roster.signer;
      throw new MisbehaviourError(finding('keyring_conflict', cause.message, { accuser }));
    }
  }
}

function findingOf(cause: RosterError | FrameError): MisbehaviourKind {
  return cause instanceof RosterError && cause.code === 'rollback' ? 'roster_rollback' : 'roster_fork';
}

function sinceRoot(chain: readonly Uint8Array[]): readonly Uint8Array[] {
  return chain.slice(chain.findLastIndex((bytes) => isRootSigned(parseRoster(bytes))));
}
