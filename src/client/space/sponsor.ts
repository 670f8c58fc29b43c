// Vouches for a short-lived space, where a relay asks for a token: this device may let others into its space, so it may meet one.
import { deviceOf } from '../../protocol/roster.js';
import { encodeSponsorship, sponsorSigningBytes } from '../../protocol/sponsorship.js';
import type { Sponsor } from '../connection/handshake.js';
import { deriveRootSecret } from '../crypto/keys.js';
import type { SpaceContext } from './space-context.js';

/** Signs as the root where this device is no admin and holds it. */
export function sponsorOf({ identity, device, roster, ed25519 }: SpaceContext, rootSecret: Uint8Array | null): Sponsor {
  return async (hello, challenge) => {
    const isAdmin = roster.known !== undefined && deviceOf(roster.known, device.key)?.rights === 'admin';
    const signer = isAdmin || rootSecret === null ? device : await deriveRootSecret(rootSecret, ed25519);
    return encodeSponsorship(identity.space, signer.key, await ed25519.sign(signer.seed, sponsorSigningBytes(hello, challenge, identity.space)));
  };
}
