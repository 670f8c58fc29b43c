// HPKE (RFC 9180), base mode, one shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256, OpenError, DecapError, DeserializeError } from '@hpke/core';
import { cryptoSource, subtleCrypto } from './platform.js';

/** What is sealed, to whom, and the fresh randomness the ephemeral key is derived from. */
export interface HpkeSealInput {
  readonly recipient: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly ephemeralSeed: Uint8Array;
}

/** What `hpkeSeal` gave, and the recipient's private key. */
export interface HpkeOpenInput {
  readonly secret: Uint8Array;
  readonly enc: Uint8Array;
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
  readonly sealed: Uint8Array;
}

/** The encapsulated key and the ciphertext with its tag. */
export async function hpkeSeal(input: HpkeSealInput): Promise<{ enc: Uint8Array; ct: Uint8Array }> {
  const suite = createSuite();
  const recipientPublicKey = await suite.kem.deserializePublicKey(cryptoSource(input.recipient));
  const ekm = cryptoSource(input.ephemeralSeed);
  const sender = await suite.createSenderContext({ recipientPublicKey, info: cryptoSource(input.info), ekm: ekm.slice().buffer });
  const ct = await sender.seal(cryptoSource(input.plaintext), cryptoSource(input.aad));
  return { enc: new Uint8Array(sender.enc), ct: new Uint8Array(ct) };
}

/** The plaintext, or undefined when the bytes were not sealed to this key like this. */
export async function hpkeOpen(input: HpkeOpenInput): Promise<Uint8Array | undefined> {
  const suite = createSuite();
  const recipientKey = await suite.kem.deserializePrivateKey(cryptoSource(input.secret));
  try {
    const recipient = await suite.createRecipientContext({ recipientKey, enc: cryptoSource(input.enc), info: cryptoSource(input.info) });
    return new Uint8Array(await recipient.open(cryptoSource(input.sealed), cryptoSource(input.aad)));
  } catch (error) {
    if (error instanceof OpenError || error instanceof DecapError || error instanceof DeserializeError) return undefined;
    throw error;
  }
}

function createSuite(): CipherSuite {
  subtleCrypto();
  return new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
}
