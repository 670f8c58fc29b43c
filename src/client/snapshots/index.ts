/**
 * Snapshots: the app's state, sealed and kept by the relay, so that new devices start from it and history can be forgotten.
 *
 * ```ts
 * const space = await openSpace({ link, parts: [snapshots({ create: () => state(), load: (bytes) => merge(bytes) })] });
 * await space.snapshot();
 * ```
 */
import { SNAPSHOT_FRAMES } from '../../protocol/snapshot-frames.js';
import type { SnapshotHandler } from '../space/space-options.js';
import type { SpacePart } from '../space/space-part.js';
import { SpaceSnapshots } from './space-snapshots.js';

export type { SnapshotHandler } from '../space/space-options.js';

/** What a space with this part can do. */
export interface SnapshotCalls {
  /** Seals the app's state and uploads it; resolves with the size it covers when the relay has stored it. */
  snapshot(): Promise<number>;
}

/** The part for one space, with what makes and takes its state. */
export function snapshots(handler: SnapshotHandler): SpacePart<SnapshotCalls> {
  return {
    name: 'snapshots',
    frames: SNAPSHOT_FRAMES,
    open: ({ snapshot }) => ({ calls: { snapshot } }),
    snapshots: { open: (hooks) => new SpaceSnapshots(handler, hooks) },
  };
}
