// Pushes changes of a document, and holds back what a full outbox refuses until there is room.
import { ClientError } from '../client-error.js';
import type { Space } from '../space/space.js';

export class DocumentPushing {
  readonly #space: Space;
  readonly #merge: (changes: readonly Uint8Array[]) => readonly Uint8Array[];
  readonly #failed: (cause: ClientError) => void;
  #owed: Uint8Array[] = [];

  constructor(space: Space, merge: (changes: readonly Uint8Array[]) => readonly Uint8Array[], failed: (cause: ClientError) => void) {
    this.#space = space;
    this.#merge = merge;
    this.#failed = failed;
  }

  /** Whether something waits for room in the outbox. */
  get waiting(): boolean {
    return this.#owed.length > 0;
  }

  push(change: Uint8Array): void {
    if (this.#owed.length > 0) {
      // Merged, so that what waits is never larger than the document.
      this.#owed = [...this.#merge([...this.#owed, change])];
      return;
    }
    this.#try([change]);
  }

  #try(changes: readonly Uint8Array[]): void {
    changes.forEach((change, at) => {
      if (this.#owed.length > 0) return;
      try {
        this.#space.push(change);
      } catch (cause) {
        if (!(cause instanceof ClientError)) throw cause;
        this.#failed(cause);
        if (cause.code !== 'outbox_full') return;
        this.#owed = changes.slice(at);
        this.#space.whenWritable().then(() => this.#again(), () => undefined);
      }
    });
  }

  #again(): void {
    const changes = this.#owed;
    this.#owed = [];
    this.#try(changes);
  }
}
