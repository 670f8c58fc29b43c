// Calls on the space behind a document, from every tab to the one that leads, on a channel of their own.
import { ClientError } from '../client-error.js';
import type { LiveSpace } from '../live/index.js';
import type { PairingSpace } from '../space/pairing-space.js';
import type { OpenDocument } from '../documents/open-document.js';
import { TabCalls, done, gone } from './tab-calls.js';
import type { CallName } from './tab-calls.js';
import { toldError } from './tab-channel.js';
import type { TabChannel, ToldError } from './tab-channel.js';

type Said =
  /** Another tab leads from now on; what the one before did not answer nobody will. */
  | { readonly kind: 'leading' }
  | { readonly kind: 'call'; readonly from: string; readonly number: number; readonly name: CallName; readonly given: readonly unknown[] }
  | { readonly kind: 'answer'; readonly to: string; readonly number: number; readonly result: unknown; readonly error: ToldError | null };

export class SharedCalls {
  readonly #channel: TabChannel<Said>;
  readonly #tab: string;
  readonly #calls: TabCalls;
  #space: LiveSpace | undefined;
  #isClosed = false;

  /** `open` makes the channel; `tab` is the id of this one. */
  constructor(open: <M>() => TabChannel<M>, tab: string) {
    this.#channel = open();
    this.#tab = tab;
    this.#calls = new TabCalls((number, name, given) => this.#post({ kind: 'call', from: tab, number, name, given }));
    this.#channel.listen((said) => this.#take(said));
  }

  /** This tab leads with that space, or no more. */
  lead(space: LiveSpace | undefined): void {
    this.#space = space;
    if (space === undefined) return;
    this.#calls.leaderIsGone();
    this.#post({ kind: 'leading' });
  }

  /** What pairing needs, of the document of this tab. */
  membersOf(document: Pick<OpenDocument, 'status' | 'whenSynced'>): PairingSpace {
    return {
      get status() {
        return document.status;
      },
      whenSynced: () => document.whenSynced(),
      addDevice: (device) => this.#calls.call(this.#space, 'addDevice', device),
      removeDevice: (device) => this.#calls.call(this.#space, 'removeDevice', device),
      handover: () => this.#calls.call(this.#space, 'handover'),
      sponsor: () => (hello, challenge) => this.#calls.call(this.#space, 'vouch', hello, challenge),
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#calls.leaderIsGone();
    this.#channel.close();
  }

  #take(said: Said): void {
    if (said.kind === 'leading') this.#calls.leaderIsGone();
    else if (said.kind === 'call') void this.#answer(said);
    else if (said.to === this.#tab) this.#calls.answered(said.number, said.result, said.error);
  }

  async #answer({ from: to, number, name, given }: Extract<Said, { readonly kind: 'call' }>): Promise<void> {
    const space = this.#space;
    if (space === undefined) return;
    const answer = { kind: 'answer', to, number } as const;
    await done(space, name, given).then(
      (result) => this.#post({ ...answer, result, error: null }),
      (cause: unknown) => this.#post({ ...answer, result: null, error: toldError(cause instanceof ClientError ? cause : new ClientError('internal', 'the call failed', { cause })) }),
    );
  }

  #post(said: Said): void {
    if (!this.#isClosed) this.#channel.post(said);
    else if (said.kind === 'call') throw gone();
  }
}
