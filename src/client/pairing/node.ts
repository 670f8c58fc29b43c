// Pairing on Node, which before version 22 has no WebSocket of its own: the one of `ws` is the default.
import { NodeWebSocket } from '../node.js';
import type { CallsOf, SpacePart } from '../space/space-part.js';
import type { Space } from '../space/space.js';
import { joinSpace as joinSpaceOn, offerPairing as offerPairingOn } from './index.js';
import type { JoinSpaceOptions, PairingOffer, PairingOfferOptions } from './index.js';

/** Lets one device into a space: `offer()` makes the code. */
export function offerPairing(options: PairingOfferOptions): PairingOffer {
  return offerPairingOn({ webSocket: NodeWebSocket, ...options });
}

/** Comes into the space of the device that shows the code. */
export function joinSpace<const P extends readonly SpacePart[] = readonly []>(options: JoinSpaceOptions<P>): Promise<Space & CallsOf<P>> {
  return joinSpaceOn({ webSocket: NodeWebSocket, ...options });
}

export * from './index.js';
