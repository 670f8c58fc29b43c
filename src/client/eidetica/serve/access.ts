// Who may do what with a tree. The app decides; without a decision, peers get the trees that are synced with them.
import type { SyncState } from '../sync-state.js';

/** What a caller may do with a tree; `write` includes reading. */
export type TreeAccess = 'none' | 'read' | 'write';

/** Who asks. */
export interface Caller {
  /** The public key that this request proves, or null. A key that is only named is nobody's. */
  readonly key: string | null;
  /** The token of the request, as it stands before the host of an address; null without one. Compare it in constant time. */
  readonly token: string | null;
  /** The kind of way it came: `http`, `iroh`. */
  readonly transport: string;
}

/** Decides on every request; may take its time. */
export type AccessRule = (caller: Caller, tree: string) => TreeAccess | Promise<TreeAccess>;

/** Whoever knows the id of a tree may read and write it: what the original does with trees that have no settings. */
export const openTrees: AccessRule = () => 'write';

/** Peers that proved their key may read and write the trees that are synced with them. */
export function relatedPeers(state: Pick<SyncState, 'isRelated'>): AccessRule {
  return ({ key }, tree) => (key !== null && state.isRelated(key, tree) ? 'write' : 'none');
}
