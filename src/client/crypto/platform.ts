// What sealing needs from the platform: WebCrypto, which browsers withhold from pages that did not come over a secure origin.

/** `insecure_context`: the page came over plain http; `unsupported_platform`: the runtime lacks an algorithm. */
export type PlatformErrorCode = 'insecure_context' | 'unsupported_platform';

/** The platform cannot seal. The environment is at fault; trying again does not help. */
export class PlatformError extends Error {
  readonly code: PlatformErrorCode;
  readonly temporary = false;
  readonly hint: string;

  constructor(code: PlatformErrorCode, hint: string, options?: ErrorOptions) {
    super(`${code}: ${hint}`, options);
    this.name = 'PlatformError';
    this.code = code;
    this.hint = hint;
  }
}

/** Gives `length` fresh random bytes; a parameter everywhere, so that vectors can be reproduced. */
export type Random = (length: number) => Uint8Array;

/** The platform's SubtleCrypto, or PlatformError `insecure_context` where it is missing. */
export function subtleCrypto(scope: { readonly crypto?: Partial<Crypto> } = globalThis): SubtleCrypto {
  const subtle = scope.crypto?.subtle;
  if (subtle === undefined) {
    throw new PlatformError('insecure_context', 'Serve the page over https or from localhost: browsers give crypto.subtle to secure origins only.');
  }
  return subtle;
}

const RANDOM_BYTES_PER_CALL_MAX = 65_536;

/** Random bytes of the platform's generator. */
export const systemRandom: Random = (length) => {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += RANDOM_BYTES_PER_CALL_MAX) {
    globalThis.crypto.getRandomValues(bytes.subarray(at, at + RANDOM_BYTES_PER_CALL_MAX));
  }
  return bytes;
};

/** The bytes as WebCrypto accepts them: never backed by shared memory. */
export function cryptoSource(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return isUnshared(bytes) ? bytes : new Uint8Array(bytes);
}

function isUnshared(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer;
}
