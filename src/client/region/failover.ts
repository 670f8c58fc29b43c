// The part of a space that fails over.
import { CarriedHistory } from '../space/carried-history.js';
import { moveRegion } from '../space/region-places.js';
import type { SpacePart } from '../space/space-part.js';

/**
 * The part for a space that fails over between relays which do not copy it (see RegionFailover): the device keeps a place in each of their
 * logs and carries between them what they lack. The same on every device of the space. With the part `snapshots` it carries history too.
 */
export const failover: SpacePart = {
  name: 'failover',
  failover: { move: moveRegion, open: (parts) => new CarriedHistory(parts) },
};
