// Which statements of the roster a device shows in its handshakes, and what it tries when a relay refuses it without a word why.
import type { ChainAndKeyring } from '../../protocol/roster-chain.js';
import type { RelayRefusal } from '../connection/relay-refusal.js';
import type { SpaceContext } from './space-context.js';

export class ShownRoster {
  readonly #context: SpaceContext;
  #showsAll = false;

  constructor(context: SpaceContext) {
    this.#context = context;
  }

  news(): ChainAndKeyring {
    const { roster } = this.#context;
    return roster.confirmed && !this.#showsAll ? { chain: [], keyring: new Uint8Array() } : roster.all;
  }

  accepted(): void {
    this.#showsAll = false;
  }

  /** Whether it is worth another try. */
  refused({ name }: RelayRefusal): boolean {
    const { roster, marks } = this.#context;
    if (name === 'handshake_failed' && marks.carry !== null && !roster.confirmed) {
      // The relay of another region may have a newer one, and shows it to who shows none.
      roster.confirm(true);
      return true;
    }
    // The relay may have lost the statement that made this device a member: show it once before believing the refusal.
    this.#showsAll = name === 'handshake_failed' && roster.confirmed && !this.#showsAll && roster.known !== undefined;
    return this.#showsAll;
  }
}
