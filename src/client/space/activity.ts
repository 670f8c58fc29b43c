// What goes on in an open space beside its calls: the status, the waits for something to move, and the snapshots.
import { ClientError } from '../client-error.js';
import type { ConnectionState } from '../connection/machine.js';
import { OUTBOX_HELD_BYTES_MAX, SNAPSHOT_PRESSURE_MS } from '../limits.js';
import type { SnapshotUpload } from '../sync/snapshot-upload.js';
import type { SpaceContext } from './space-context.js';
import type { ConnectionStatus, StatusEvent } from './space-events.js';
import type { SnapshotHandler } from './space-options.js';

/** The part of the engine that is asked. */
export interface ReadingState {
  readonly caughtUp: boolean;
  readonly upload: SnapshotUpload;
}

export class SpaceActivity {
  readonly #context: SpaceContext;
  readonly #handler: SnapshotHandler | undefined;
  readonly #reading: () => ReadingState;
  readonly #closing = new AbortController();
  readonly #waiters = new Set<() => void>();
  #status: StatusEvent = { status: 'offline', error: null };
  #snapshotting: Promise<number> | undefined;
  #pressedAt = Number.NEGATIVE_INFINITY;

  /** `reading` is asked only after all parts exist. */
  constructor(context: SpaceContext, handler: SnapshotHandler | undefined, reading: () => ReadingState) {
    this.#context = context;
    this.#handler = handler;
    this.#reading = reading;
  }

  get status(): StatusEvent {
    return this.#status;
  }

  /** Aborted when the space is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  assertOpen(): void {
    if (this.closing.aborted) throw new ClientError('closed', 'the space was closed');
  }

  /** Ends every wait. */
  close(): void {
    this.#closing.abort(new ClientError('closed', 'the space was closed'));
  }

  stateChanged(state: ConnectionState): void {
    this.#status = { status: statusOf(state), error: state.kind === 'failed' ? state.error : null };
    this.#context.events.emit('status', this.#status);
    this.progress();
  }

  /** Something moved: reading, pushing, acks, the connection. */
  progress(): void {
    for (const waiter of this.#waiters) waiter();
    this.#context.events.emit('progress', undefined);
    const { outbox, environment } = this.#context;
    if (this.#handler === undefined || outbox.heldBytes <= OUTBOX_HELD_BYTES_MAX / 2 || !this.#reading().caughtUp) return;
    // A snapshot that fails would otherwise be made again with every frame.
    if (environment.now() - this.#pressedAt < SNAPSHOT_PRESSURE_MS) return;
    this.#pressedAt = environment.now();
    this.snapshotDue();
  }

  /** Somebody needs a snapshot; a failure is told as an event. */
  snapshotDue(): void {
    if (this.#handler === undefined || this.#snapshotting !== undefined) return;
    this.snapshot().catch((cause: unknown) => {
      if (cause instanceof ClientError && cause.code !== 'closed') this.#context.events.emit('error', cause);
    });
  }

  /** Makes one at a time; whoever asks meanwhile gets the one under way. */
  snapshot(): Promise<number> {
    this.#snapshotting ??= this.#makeSnapshot().finally(() => {
      this.#snapshotting = undefined;
    });
    return this.#snapshotting;
  }

  /** Resolves when the condition holds after something moved; rejects when the space closes or the signal aborts. */
  until(reached: () => boolean, signal?: AbortSignal): Promise<void> {
    const { closing } = this;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiters.delete(check);
        closing.removeEventListener('abort', check);
        signal?.removeEventListener('abort', check);
      };
      const check = (): void => {
        if (reached()) resolve();
        else if (closing.aborted) reject(closing.reason as Error);
        else if (signal?.aborted === true) reject(signal.reason as Error);
        else return;
        end();
      };
      this.#waiters.add(check);
      closing.addEventListener('abort', check);
      signal?.addEventListener('abort', check);
      check();
    });
  }

  async #makeSnapshot(): Promise<number> {
    const handler = this.#handler;
    this.assertOpen();
    if (handler === undefined) {
      throw new ClientError('snapshot_handler_missing', 'the space has no snapshot handler', { hint: 'Pass snapshot: { create, load } to createSpace or openSpace.' });
    }
    while (!this.#reading().caughtUp) await this.until(() => this.#reading().caughtUp);
    // What is read while the app makes its state may be missing in it, so the position is taken before.
    const { upload } = this.#reading();
    const position = upload.position();
    return upload.upload(position, await handler.create());
  }
}

function statusOf(state: ConnectionState): ConnectionStatus {
  if (state.kind === 'open') return 'online';
  if (state.kind === 'connecting' || state.kind === 'handshaking') return 'connecting';
  return state.kind === 'idle' || state.kind === 'backing-off' || state.kind === 'waiting' ? 'offline' : state.kind;
}
