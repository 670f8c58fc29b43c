/**
 * Keys that people can live with: bring a device in by six words or a QR code, and keep a space on paper.
 *
 * ```ts
 * const offer = offerPairing({ space });
 * await offer.offer();
 * show(offer.getSnapshot().code, qrSvg(offer.getSnapshot().link, 'Code for the other device'));
 * // on the other device
 * const space = await joinSpace({ code: typedOrScanned, relay, deviceName: 'Phone' });
 * ```
 */
import type { CallsOf, SpacePart } from '../space/space-part.js';
import type { Space } from '../space/space.js';
import { joinSpaceWith } from './join-space.js';
import type { JoinSpaceOptions } from './join-space.js';
import { PairingOffer } from './pairing-offer.js';
import type { PairingOfferOptions } from './pairing-offer.js';

/** Lets one device into a space: `offer()` makes the code. */
export function offerPairing(options: PairingOfferOptions): PairingOffer {
  return new PairingOffer(options);
}

/** Comes into the space of the device that shows the code. */
export function joinSpace<const P extends readonly SpacePart[] = readonly []>(options: JoinSpaceOptions<P>): Promise<Space & CallsOf<P>> {
  return joinSpaceWith(options, {});
}

export type { JoinSpaceOptions } from './join-space.js';
export type { PairingOffer, PairingOfferOptions, PairingPhase, PairingState } from './pairing-offer.js';
export { MemoryPairingStorage, WebPairingStorage } from './pairing-storage.js';
export type { PairingRecord, PairingStorage } from './pairing-storage.js';
export { linkOfRecoveryWords, recoveryWordsOf, RECOVERY_WORDS } from './recovery-words.js';
export { isPairingLink, PAIRING_WORDS } from './pairing-code.js';
export { WordError } from './word-list.js';
export { drawQr, qrSvg } from './qr.js';
export type { QrDrawing } from './qr.js';
