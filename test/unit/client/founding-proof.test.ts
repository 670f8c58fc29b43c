// What a device brings to a relay beside its statements, by what the relay asks for: never more than that.
import { describe, expect, it } from 'vitest';
import { decodeClientFrame } from '../../../src/protocol/client-frame-codec.js';
import { FEATURE_ADMISSION, FEATURE_SPONSORS } from '../../../src/protocol/limits.js';
import { encodeRelayFrame } from '../../../src/protocol/relay-frame-codec.js';
import { Handshake } from '../../../src/client/connection/handshake.js';
import type { HandshakeOffer } from '../../../src/client/connection/handshake.js';
import { createEd25519 } from '../../../src/client/crypto/ed25519.js';
import { ed25519 as noble } from '../crypto/fixtures.js';

const logId = new Uint8Array(32).fill(7);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const news = { chain: [new Uint8Array(200)], keyring: new Uint8Array(9) };
const seed = new Uint8Array(32).fill(1);
const key = await noble.publicKey(seed);
const ed25519 = await createEd25519();

/** The proof that a relay with these features is given, and how often the sponsor was asked. */
async function proof(features: bigint, brought: Partial<HandshakeOffer>): Promise<{ readonly type: string; readonly admission: string | null; readonly asked: number }> {
  let asked = 0;
  const sponsor = async (hello: Uint8Array, challenge: Uint8Array): Promise<Uint8Array> => {
    asked += 1;
    return new TextEncoder().encode(`word for ${hello.length} ${challenge.length}`);
  };
  const offer = { space: key, logId, identity: { key, seed }, rosterVersion: 1, rosterHash: new Uint8Array(32), news, sponsor, ...brought };
  const handshake = new Handshake(offer, ed25519, new Uint8Array(32));
  const challenge = encodeRelayFrame({ type: 'Challenge', version: 1, features, logId, relayNonce: new Uint8Array(32) });
  const step = await handshake.receive(challenge);
  if (step.kind !== 'reply') throw new Error('no proof');
  const frame = decodeClientFrame(step.message);
  return { type: frame.type, admission: frame.type === 'FoundingProof' ? text(frame.admission) : null, asked };
}

describe('what is brought to found a space', () => {
  const admission = new TextEncoder().encode('token');
  const both = FEATURE_ADMISSION | FEATURE_SPONSORS;

  it('a sponsor is named only to a relay that takes one, and then comes before the token', async () => {
    expect(await proof(both, { admission })).toEqual({ type: 'FoundingProof', admission: expect.stringMatching(/^word for \d+ 75$/), asked: 1 });
    expect(await proof(FEATURE_ADMISSION, { admission })).toEqual({ type: 'FoundingProof', admission: 'token', asked: 0 });
    expect(await proof(FEATURE_ADMISSION, {})).toEqual({ type: 'Proof', admission: null, asked: 0 });
    expect(await proof(0n, { admission })).toEqual({ type: 'Proof', admission: null, asked: 0 });
  });

  it('neither is shown where there is nothing to found', async () => {
    const nothing = { chain: [], keyring: new Uint8Array() };
    expect(await proof(both, { admission, news: nothing })).toEqual({ type: 'Proof', admission: null, asked: 0 });
    expect(await proof(both, { admission, sponsor: undefined })).toMatchObject({ admission: 'token' });
  });
});
