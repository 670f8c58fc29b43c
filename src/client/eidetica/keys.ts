// Ed25519 public keys and signatures as this system writes them: standard base64 with padding, keys behind `ed25519:`.
const PREFIX = 'ed25519:';
const PUBLIC_BYTES = 32;

/** Standard base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

/** The bytes of standard base64 with padding; undefined for anything else. */
export function fromBase64(text: string): Uint8Array | undefined {
  try {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    return toBase64(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** A public key as text. */
export function publicKeyText(key: Uint8Array): string {
  return PREFIX + toBase64(key);
}

/** The bytes of a public key; undefined for what is none. */
export function publicKeyBytes(text: string): Uint8Array | undefined {
  const bytes = text.startsWith(PREFIX) ? fromBase64(text.slice(PREFIX.length)) : undefined;
  return bytes?.length === PUBLIC_BYTES ? bytes : undefined;
}
