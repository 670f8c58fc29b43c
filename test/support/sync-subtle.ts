// WebCrypto for simulations: the same algorithms and real keys, worked on this thread at once. A simulation makes hundreds of small signatures a
// step, and handing each to another thread and back costs several times what the signature does. What was signed here need not be verified here:
// it is known to hold, for that key and that message; every other signature is verified.
import { createCipheriv, createDecipheriv, createPrivateKey, createPublicKey, diffieHellman, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

const TAG_BYTES = 16;
/** The fixed heads of public keys (RFC 8410). */
const SPKI_HEADS: Readonly<Record<string, Buffer>> = { Ed25519: Buffer.from('302a300506032b6570032100', 'hex'), X25519: Buffer.from('302a300506032b656e032100', 'hex') };
const KEYS_MAX = 4096;
/** Signatures that are known to hold. */
const SIGNED_MAX = 16_384;

/** Keys of this module; those of the platform are passed on to it. */
class LocalKey {
  readonly object: KeyObject | undefined;
  readonly bytes: Buffer;

  constructor(bytes: Buffer, object?: KeyObject) {
    this.bytes = bytes;
    this.object = object;
  }
}

const known = new Map<string, LocalKey>();
/** By signature: whose it is, and of what. */
const signed = new Map<string, { readonly key: Buffer; readonly message: Buffer }>();

function keyOf(format: string, data: BufferSource, algorithm: string): LocalKey | undefined {
  const bytes = bufferOf(data);
  if (format === 'raw' && algorithm === 'AES-GCM') return new LocalKey(Buffer.from(bytes));
  const head = SPKI_HEADS[algorithm];
  if (head === undefined || (format !== 'raw' && format !== 'pkcs8')) return undefined;
  const name = `${format} ${algorithm} ${bytes.toString('latin1')}`;
  const held = known.get(name);
  if (held !== undefined) return held;
  const object =
    format === 'raw' ? createPublicKey({ key: Buffer.concat([head, bytes]), format: 'der', type: 'spki' }) : createPrivateKey({ key: Buffer.from(bytes), format: 'der', type: 'pkcs8' });
  const made = new LocalKey(publicOf(object), object);
  if (known.size >= KEYS_MAX) known.clear();
  known.set(name, made);
  return made;
}

/** The 32 bytes of the public half. */
function publicOf(object: KeyObject): Buffer {
  return Buffer.from(object.export({ format: 'jwk' }).x ?? '', 'base64url');
}

function signedBy(key: LocalKey, object: KeyObject, message: Buffer): Buffer {
  const signature = sign(null, message, object);
  if (signed.size >= SIGNED_MAX) signed.clear();
  signed.set(signature.toString('latin1'), { key: key.bytes, message: Buffer.from(message) });
  return signature;
}

function holds(key: LocalKey, object: KeyObject, message: Buffer, signature: Buffer): boolean {
  const own = signed.get(signature.toString('latin1'));
  return (own !== undefined && own.key.equals(key.bytes) && own.message.equals(message)) || verify(null, message, object, signature);
}

function bufferOf(data: BufferSource): Buffer {
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
}

function exact(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function localOf(key: CryptoKey): LocalKey | undefined {
  return (key as unknown) instanceof LocalKey ? (key as unknown as LocalKey) : undefined;
}

function seal({ bytes }: LocalKey, { iv, additionalData = new Uint8Array() }: AesGcmParams, data: BufferSource): ArrayBuffer {
  const cipher = createCipheriv('aes-256-gcm', bytes, bufferOf(iv)).setAAD(bufferOf(additionalData));
  return exact(Buffer.concat([cipher.update(bufferOf(data)), cipher.final(), cipher.getAuthTag()]));
}

function open({ bytes }: LocalKey, { iv, additionalData = new Uint8Array() }: AesGcmParams, data: BufferSource): ArrayBuffer {
  const sealed = bufferOf(data);
  try {
    const decipher = createDecipheriv('aes-256-gcm', bytes, bufferOf(iv)).setAAD(bufferOf(additionalData)).setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    return exact(Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()]));
  } catch (cause) {
    throw new DOMException(String(cause), 'OperationError');
  }
}

/** From now on `crypto.subtle` of this process works so. */
export function workOnThisThread(): void {
  const { subtle } = globalThis.crypto;
  const platform = {
    importKey: subtle.importKey.bind(subtle) as (...args: unknown[]) => Promise<CryptoKey>,
    exportKey: subtle.exportKey.bind(subtle) as (...args: unknown[]) => Promise<unknown>,
    sign: subtle.sign.bind(subtle),
    verify: subtle.verify.bind(subtle),
    encrypt: subtle.encrypt.bind(subtle),
    decrypt: subtle.decrypt.bind(subtle),
  };
  const local = {
    importKey: async (format: string, data: BufferSource, algorithm: string, ...rest: unknown[]) => keyOf(format, data, algorithm) ?? platform.importKey(format, data, algorithm, ...rest),
    exportKey: async (format: string, key: CryptoKey) => localOf(key)?.object?.export({ format: 'jwk' }) ?? platform.exportKey(format, key),
    sign: async (algorithm: string, key: CryptoKey, data: BufferSource) => {
      const held = localOf(key);
      return held?.object === undefined ? platform.sign(algorithm, key, data) : exact(signedBy(held, held.object, bufferOf(data)));
    },
    verify: async (algorithm: string, key: CryptoKey, signature: BufferSource, data: BufferSource) => {
      const held = localOf(key);
      return held?.object === undefined ? platform.verify(algorithm, key, signature, data) : holds(held, held.object, bufferOf(data), bufferOf(signature));
    },
    deriveBits: async (algorithm: { readonly public: CryptoKey }, key: CryptoKey) => {
      const [own, peer] = [localOf(key)?.object, localOf(algorithm.public)?.object];
      if (own === undefined || peer === undefined) throw new DOMException('keys of two kinds', 'InvalidAccessError');
      return exact(diffieHellman({ privateKey: own, publicKey: peer }));
    },
    encrypt: async (algorithm: AesGcmParams, key: CryptoKey, data: BufferSource) => {
      const held = localOf(key);
      return held === undefined ? platform.encrypt(algorithm, key, data) : seal(held, algorithm, data);
    },
    decrypt: async (algorithm: AesGcmParams, key: CryptoKey, data: BufferSource) => {
      const held = localOf(key);
      return held === undefined ? platform.decrypt(algorithm, key, data) : open(held, algorithm, data);
    },
  };
  for (const [name, value] of Object.entries(local)) Object.defineProperty(subtle, name, { value, configurable: true });
}
