// The text of an invite token, and what of it is kept: the relay's disk holds a hash, from which no token can be made.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const ID_BYTES = 8;
const SECRET_BYTES = 24;
const TOKEN = /^inv\.([A-Za-z0-9_-]{11})\.([A-Za-z0-9_-]{32})$/;

export const INVITE_ID = /^[A-Za-z0-9_-]{11}$/;

export interface NewInvite {
  readonly id: string;
  /** Shown once. */
  readonly token: string;
  readonly hash: string;
}

export function newInvite(): NewInvite {
  const id = randomBytes(ID_BYTES).toString('base64url');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { id, token: `inv.${id}.${secret}`, hash: hashOf(secret) };
}

/** The parts of a token; null when the text is none. */
export function parseInvite(token: string): { readonly id: string; readonly secret: string } | null {
  const [, id, secret] = TOKEN.exec(token) ?? [];
  return id === undefined || secret === undefined ? null : { id, secret };
}

/** Whether a secret is the one that was hashed; takes as long whatever it is. */
export function matches(secret: string, hash: string): boolean {
  const [given, expected] = [Buffer.from(hashOf(secret), 'hex'), Buffer.from(hash, 'hex')];
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function hashOf(secret: string): string {
  return createHash('sha256').update('sealrelay/v1/invite').update(secret).digest('hex');
}
