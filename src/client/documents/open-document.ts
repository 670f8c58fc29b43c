// What a binding needs of an open document, wherever its storage and its connection are.
import type { ClientError } from '../client-error.js';
import type { Ephemeral } from '../live/ephemeral.js';
import type { LiveSpace } from '../live/index.js';
import type { PairingSpace } from '../space/pairing-space.js';
import type { StatusEvent } from '../space/space-events.js';

export interface DocumentEvents {
  readonly status: StatusEvent;
  readonly error: ClientError;
  /** What is unsynced may have become less. */
  readonly progress: void;
}

export interface OpenDocument {
  /** Whether other tabs have the same connection: what is wished for it is of all of them. */
  readonly isShared: boolean;
  readonly status: StatusEvent;
  /** Whether something is not known to be on the relay's disk. */
  readonly hasUnsyncedChanges: boolean;
  readonly ephemeral: Ephemeral;
  /** What letting a device in needs, in every tab. */
  readonly members: PairingSpace;
  /** The space, when this tab holds it. */
  whenLeading(): Promise<LiveSpace>;
  on<K extends keyof DocumentEvents>(name: K, listener: (event: DocumentEvents[K]) => void): () => void;
  goOnline(): void;
  goOffline(): void;
  /** Resolves when everything the relay held at this call is read, and everything changed is stored there: the relay is asked. Rejects with the error of the status when that is `failed`. */
  whenSynced(): Promise<void>;
  /** Keeps a change that the document has taken from others. */
  keep(change: Uint8Array): void;
  /** Keeps and pushes a change that was made here. */
  change(change: Uint8Array): void;
  close(): Promise<void>;
}
