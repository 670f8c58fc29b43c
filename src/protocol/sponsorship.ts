// What stands in the place of a token when a device vouches for a short-lived space: docs/protocol.md section 4, Sponsored spaces.
import { ByteWriter } from './byte-writer.js';
import { domain, hash } from './hash.js';

/** Begins a sponsorship, and no token, which is text. */
const MARK = 0;

/** The text the sponsor signs: the Hello and the Challenge of one handshake, whole frames, and its own space. */
export function sponsorSigningBytes(hello: Uint8Array, challenge: Uint8Array, space: Uint8Array): Uint8Array {
  const offer = hash(domain('transcript'), new ByteWriter().bytes32(hello).bytes32(challenge).finish());
  return new ByteWriter().raw(domain('sponsor')).raw32(offer).raw32(space).finish();
}

export function encodeSponsorship(space: Uint8Array, device: Uint8Array, signature: Uint8Array): Uint8Array {
  return new ByteWriter().u8(MARK).raw32(space).raw32(device).raw(signature).finish();
}
