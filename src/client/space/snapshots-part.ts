// What an open space asks of its snapshots, where the app gave it that part.
import type { CursorExpiredFrame, RelayFrame, WelcomeFrame } from '../../protocol/relay-frame.js';
import type { LogReset } from '../../protocol/log-reset.js';
import type { ClientError } from '../client-error.js';
import type { SessionLink } from '../connection/connection-handler.js';
import type { OtherFolds } from '../log/other-fold.js';
import type { AckedPosition } from '../sync/acker.js';
import type { ForgottenHistory } from '../sync/forgotten-history.js';
import type { DownloadedSnapshot } from '../sync/snapshot-download.js';
import type { SpaceContext } from './space-context.js';
import type { SnapshotHandler } from './space-options.js';

/** What the part is told by the space, and tells it. */
export interface SnapshotHooks {
  readonly context: SpaceContext;
  readonly history: ForgottenHistory;
  readonly folds: OtherFolds;
  /** The log resets that the relay showed in this session. */
  readonly resets: () => readonly LogReset[];
  /** Called after a snapshot took the place of a part of the log. */
  readonly skipped: () => Promise<void>;
  /** Called after the app took the state of a snapshot. */
  readonly loaded: (snapshot: DownloadedSnapshot) => Promise<void>;
  /** Called when the relay holds a snapshot up to that size. */
  readonly stored: (size: number) => Promise<void>;
}

/** Snapshots of one open space. */
export interface Snapshots {
  readonly handler: SnapshotHandler;
  /** The author of the snapshot the fold started from, while no attested head confirmed it. */
  readonly author: Uint8Array | undefined;
  /** The id of the last one that the relay stored. */
  readonly storedId: Uint8Array | undefined;
  /** A new device starts from the newest one, where there is one. */
  start(link: SessionLink, welcome: WelcomeFrame): Promise<void>;
  /** The cursor is below the floor: proves what is gone and starts from a snapshot. */
  expired(link: SessionLink, frame: CursorExpiredFrame): Promise<void>;
  /** The newest one, null when the relay holds none. */
  newest(link: SessionLink): Promise<DownloadedSnapshot | null>;
  /** The snapshot of an id, null when the relay holds it no longer. */
  of(link: SessionLink, id: Uint8Array): Promise<DownloadedSnapshot | null>;
  /** Makes one of the present state and uploads it; resolves with its size. */
  make(): Promise<number>;
  /** The subscription of a session runs. */
  begin(link: SessionLink): void;
  /** The own ack was sent: the relay takes snapshots only up to it. */
  acked(position: AckedPosition): void;
  frame(frame: RelayFrame): Promise<void> | void | false;
  refused(error: ClientError): boolean;
  /** The log was reset. */
  reset(): void;
  down(cause: Error): void;
  close(): void;
}

export interface SnapshotsPart {
  open(hooks: SnapshotHooks): Snapshots;
}
