// Getting to know a peer: both sides prove their keys, and nothing less is taken for it.
import { beforeEach, describe, expect, test } from 'vitest';
import { nobleEd25519 } from '../../../../src/client/crypto/ed25519-noble.js';
import { greet, Identity } from '../../../../src/client/eidetica/handshake.js';
import type { Acquaintance } from '../../../../src/client/eidetica/handshake.js';
import { ADDRESS, PeerDouble, TestClock } from './peer-double.js';

type Answer = { readonly Handshake: Readonly<Record<string, unknown>> };

describe('a handshake', () => {
  let peer: PeerDouble;
  let identity: Identity;

  beforeEach(async () => {
    peer = await PeerDouble.create();
    identity = await Identity.of(new Uint8Array(32).fill(9), nobleEd25519());
  });

  const meet = (requireMutual = false): Promise<Acquaintance> =>
    greet({ transport: peer, address: ADDRESS, identity, environment: new TestClock(), displayName: 'test', requireMutual });
  const twisted = (change: (fields: Readonly<Record<string, unknown>>) => object): void => {
    peer.twist = (answer) => ({ Handshake: { ...(answer as Answer).Handshake, ...change((answer as Answer).Handshake) } });
  };

  test('with a peer of this project proves both keys over one transcript', async () => {
    expect(await meet(true)).toMatchObject({ publicKey: peer.identity.publicKey, displayName: 'double', isMutual: true });
    expect(peer.requests).toHaveLength(2);
  });

  test('with another peer proves its key, and is refused where both are asked for', async () => {
    peer.isOurs = false;
    expect(await meet()).toMatchObject({ isMutual: false });
    await expect(meet(true)).rejects.toMatchObject({ code: 'peer_untrusted' });
  });

  test('a challenge that was signed by another key is refused', async () => {
    const other = await PeerDouble.create();
    twisted(() => ({ public_key: other.identity.publicKey }));
    await expect(meet()).rejects.toMatchObject({ code: 'peer_untrusted' });
  });

  test('a transcript that was signed by another key, or in another role, is refused', async () => {
    twisted(({ sealrelay }) => ({ sealrelay: { ...(sealrelay as object), signature: [...Array<number>(64).fill(1)] } }));
    await expect(meet()).rejects.toMatchObject({ code: 'peer_untrusted' });
  });

  test('a second answer by somebody else is refused', async () => {
    const other = await PeerDouble.create();
    const own = peer.send.bind(peer);
    let count = 0;
    peer.send = (address, request) => (++count === 2 ? other.send(address, request) : own(address, request));
    await expect(meet()).rejects.toMatchObject({ code: 'peer_untrusted' });
  });

  test('another version, a refusal and nonsense are named', async () => {
    twisted(() => ({ protocol_version: 3 }));
    await expect(meet()).rejects.toMatchObject({ code: 'peer_version' });
    peer.twist = () => ({ Error: 'Protocol version mismatch: expected 1, got 0' });
    await expect(meet()).rejects.toMatchObject({ code: 'peer_refused', message: 'the peer refused: Protocol version mismatch: expected 1, got 0' });
    for (const nonsense of [null, 'Ack', {}, { Handshake: null }, { Handshake: { public_key: 7 } }]) {
      peer.twist = () => nonsense;
      await expect(meet()).rejects.toMatchObject({ code: 'peer_misbehaved' });
    }
  });
});
