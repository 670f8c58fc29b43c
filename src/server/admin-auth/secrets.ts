// Secrets of the admin address: how they are made, and how they are compared without saying where they differ.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const SECRET_BYTES = 32;

/** A new secret: 43 characters that stand in a URL as they are. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** What is kept of a secret. */
export function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Compares in constant time, whatever the lengths. */
export function isSecret(given: string, expected: Buffer): boolean {
  return timingSafeEqual(digest(given), expected);
}
