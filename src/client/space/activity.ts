// What goes on in an open space beside its calls: the status, the waits for something to move, and the snapshots.
import { ClientError } from '../client-error.js';
import type { ConnectionState } from '../connection/machine.js';
import { OUTBOX_HELD_BYTES_MAX, SNAPSHOT_PRESSURE_MS } from '../limits.js';
import type { SpaceContext } from './space-context.js';
import type { ConnectionStatus, StatusEvent } from './space-events.js';
import type { Snapshots } from './snapshots-part.js';

/** The part of the engine that is asked. */
export interface ReadingState {
  readonly caughtUp: boolean;
  readonly snapshots: Snapshots | undefined;
}

export class SpaceActivity {
  readonly #context: SpaceContext;
  readonly #reading: () => ReadingState;
  readonly #closing = new AbortController();
  readonly #waiters = new Set<() => void>();
  #status: StatusEvent = { status: 'offline', error: null };
  #snapshotting: Promise<number> | undefined;
  #pressedAt = Number.NEGATIVE_INFINITY;

  /** `reading` is asked only after all parts exist. */
  constructor(context: SpaceContext, reading: () => ReadingState) {
    this.#context = context;
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
    if (outbox.heldBytes <= OUTBOX_HELD_BYTES_MAX / 2 || this.#reading().snapshots === undefined || !this.#reading().caughtUp) return;
    // A snapshot that fails would otherwise be made again with every frame.
    if (environment.now() - this.#pressedAt < SNAPSHOT_PRESSURE_MS) return;
    this.#pressedAt = environment.now();
    this.snapshotDue();
  }

  /** Somebody needs a snapshot; a failure is told as an event. */
  snapshotDue(): void {
    if (this.#reading().snapshots === undefined || this.#snapshotting !== undefined) return;
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
    const { snapshots } = this.#reading();
    this.assertOpen();
    if (snapshots === undefined) {
      throw new ClientError('snapshot_handler_missing', 'the space has no snapshot handler', { hint: 'Give the part snapshots({ create, load }) to createSpace or openSpace.' });
    }
    while (!this.#reading().caughtUp) await this.until(() => this.#reading().caughtUp);
    return snapshots.make();
  }
}

function statusOf(state: ConnectionState): ConnectionStatus {
  if (state.kind === 'open') return 'online';
  if (state.kind === 'connecting' || state.kind === 'handshaking') return 'connecting';
  return state.kind === 'idle' || state.kind === 'backing-off' || state.kind === 'waiting' ? 'offline' : state.kind;
}
