// Awareness over ephemeral frames: own changes are sent, others are asked for theirs when listening begins, and who is cut off sees nobody.
import { applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness';
import type { Awareness } from 'y-protocols/awareness';
import { ClientError } from '../client/index.js';
import { EPHEMERAL_PAYLOAD_BYTES_MAX } from '../client/live/index.js';
import type { OpenDocument } from '../client/documents/open-document.js';

const KIND_STATES = 0;
const KIND_QUERY = 1;

interface AwarenessChanges {
  readonly added: readonly number[];
  readonly updated: readonly number[];
  readonly removed: readonly number[];
}

export class AwarenessLink {
  readonly #awareness: Awareness;
  readonly #failed: (cause: ClientError) => void;
  readonly #ends: (() => void)[] = [];
  #document: OpenDocument | undefined;
  #wasTooLarge = false;

  /** `failed` is told of a state that is too large to be said. */
  constructor(awareness: Awareness, failed: (cause: ClientError) => void) {
    this.#awareness = awareness;
    this.#failed = failed;
  }

  attach(document: OpenDocument): void {
    const { ephemeral } = document;
    this.#document = document;
    const update = ({ added, updated, removed }: AwarenessChanges, origin: unknown): void => {
      if (origin !== this) this.#send([...added, ...updated, ...removed]);
    };
    this.#awareness.on('update', update);
    this.#ends.push(
      () => this.#awareness.off('update', update),
      ephemeral.subscribe(({ payload }) => this.#take(payload)),
      ephemeral.onListening(() => {
        ephemeral.send(Uint8Array.of(KIND_QUERY));
        this.#sendOwn();
      }),
      document.on('status', ({ status }) => {
        if (status !== 'online') this.#forgetOthers();
      }),
    );
  }

  /** Tells the others that this device goes, as far as they can still be told. */
  sayGoodbye(): void {
    removeAwarenessStates(this.#awareness, [this.#awareness.clientID], 'leave');
  }

  leave(): void {
    this.sayGoodbye();
    for (const end of this.#ends.splice(0)) end();
    this.#forgetOthers();
    this.#document = undefined;
  }

  #take(payload: Uint8Array): void {
    if (payload[0] === KIND_QUERY) this.#sendOwn();
    else if (payload[0] === KIND_STATES) applyAwarenessUpdate(this.#awareness, payload.subarray(1), this);
  }

  // Set anew, so that its clock goes on: who had forgotten it takes nothing with the clock it remembers.
  #sendOwn(): void {
    const own = this.#awareness.getLocalState();
    if (own !== null) this.#awareness.setLocalState(own);
  }

  #send(clients: number[]): void {
    const own = clients.filter((client) => client === this.#awareness.clientID);
    if (own.length === 0 || this.#document === undefined) return;
    const update = encodeAwarenessUpdate(this.#awareness, own);
    const isTooLarge = update.length >= EPHEMERAL_PAYLOAD_BYTES_MAX;
    // Once: the state is said again every few seconds.
    if (isTooLarge && !this.#wasTooLarge) {
      this.#failed(new ClientError('item_too_large', `an awareness state of ${update.length} bytes; the others are shown at most ${EPHEMERAL_PAYLOAD_BYTES_MAX}`, { hint: 'Keep in it what says who is there and where; the rest belongs in the document.' }));
    }
    this.#wasTooLarge = isTooLarge;
    if (isTooLarge) return;
    const payload = new Uint8Array(update.length + 1);
    payload[0] = KIND_STATES;
    payload.set(update, 1);
    this.#document.ephemeral.send(payload);
  }

  #forgetOthers(): void {
    const others = [...this.#awareness.getStates().keys()].filter((client) => client !== this.#awareness.clientID);
    removeAwarenessStates(this.#awareness, others, this);
  }
}
