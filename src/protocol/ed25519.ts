// The signature scheme as the protocol needs it; the platform's implementation is passed in.

/** Ed25519 (RFC 8032) with strict verification: an implementation must call `isStrictSignature` before the platform. */
export interface Ed25519 {
  /** The public key of a 32-byte seed. */
  publicKey(seed: Uint8Array): Promise<Uint8Array>;
  /** Signs with a 32-byte seed. */
  sign(seed: Uint8Array, message: Uint8Array): Promise<Uint8Array>;
  /** Whether the signature holds; false for every key or signature that is not canonical. Never rejects for bad bytes. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}
