// Somebody who would found a space on a relay that asks for tokens, by vouching for it without being let to. Each attempt says whether it
// got in and, byte for byte, what it was told.
import { randomBytes } from 'node:crypto';
import { createEd25519 } from '../../src/client/crypto/ed25519.ts';
import type { DeviceSecret } from '../../src/client/crypto/keys.ts';
import { encodeClientFrame } from '../../src/protocol/client-frame-codec.ts';
import { proofSigningBytes, transcript1, withoutSignature } from '../../src/protocol/handshake.ts';
import { ZEROS } from '../../src/protocol/hash.ts';
import { FEATURE_ADMISSION, FEATURE_SPONSORS } from '../../src/protocol/limits.ts';
import { encodeSponsorship, sponsorSigningBytes } from '../../src/protocol/sponsorship.ts';
import { makeRawSpace } from '../support/raw-client.ts';
import { handshake, type Loot, type Outcome } from './intruders.ts';

const ed25519 = createEd25519();
const random = (length: number): Uint8Array => Uint8Array.from(randomBytes(length));

/** Founds a fresh space as its root, with this device's word for it as one of a space. */
export async function vouch({ address }: Pick<Loot, 'address'>, sponsor: Pick<DeviceSecret, 'key' | 'seed'>, of: Uint8Array): Promise<Outcome> {
  const { sign } = await ed25519;
  const { id, root, chain, keyring } = await makeRawSpace(['admin']);
  const hello = encodeClientFrame({ type: 'Hello', versions: [1], features: FEATURE_ADMISSION | FEATURE_SPONSORS, space: id, device: id, clientNonce: random(32), rosterVersion: 0, rosterHash: ZEROS });
  return handshake(address, hello, async (challenge) => {
    const admission = encodeSponsorship(of, sponsor.key, await sign(sponsor.seed, sponsorSigningBytes(hello, challenge, of)));
    const unsigned = { type: 'FoundingProof', chain, keyring, admission, signature: new Uint8Array(64) } as const;
    const t1 = transcript1(hello, challenge, withoutSignature(encodeClientFrame(unsigned)));
    return encodeClientFrame({ ...unsigned, signature: await sign(root.seed, proofSigningBytes(t1)) });
  });
}

/** An admin of another space, for the victim's and for one that is not there; a member who may not let others in; keys that do not belong together. */
export const VOUCHES: readonly ((loot: Loot) => Promise<Outcome>)[] = [
  (loot) => vouch(loot, loot.ownDevice, loot.victim.id),
  (loot) => vouch(loot, loot.ownDevice, random(32)),
  (loot) => vouch(loot, loot.victimDevice, loot.victim.id),
  (loot) => vouch(loot, { key: loot.victimDevice.key, seed: loot.ownDevice.seed }, loot.victim.id),
];
