// What letting a device in needs of a space, wherever that is.
import type { SpaceHandover } from './handover.js';
import type { Space } from './space.js';

/** A space of `openSpace` or of `openSpaceInTabs`, or the `members` of a binding. */
export interface PairingSpace extends Pick<Space, 'status' | 'whenSynced' | 'addDevice' | 'removeDevice' | 'sponsor'> {
  handover(): SpaceHandover | Promise<SpaceHandover>;
}
