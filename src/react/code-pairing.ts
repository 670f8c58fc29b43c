// Pairing by six words or a QR code: what a user interface needs of it. `offerPairing` of `sealrelay/client/pairing` gives it; without one it is not shown.
import type { PairingOffer, PairingState } from '../client/pairing/index.js';

export type CodePairingState = Pick<PairingState, 'phase' | 'code' | 'link' | 'expiresAt' | 'device'> & {
  /** Why it failed: a code to find words by, and words of last resort. */
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
};

export type CodePairing = Pick<PairingOffer, 'subscribe' | 'offer' | 'cancel'> & {
  getSnapshot(): CodePairingState;
  /** Goes on with what a reload of the page interrupted. */
  resume?(): Promise<boolean>;
};
