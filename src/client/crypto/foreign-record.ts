/*
 * Sealing for protocols of other systems, in which a relay compares some fields and carries the rest: keyed tokens where it compares, sealed
 * records elsewhere. docs/guides says what each system puts where.
 *
 * Sealing is a function of secret and content alone: the salt is a MAC of the content, so what is sealed again is the same bytes, and a relay
 * takes it for the retry it is. Invariant: under one salt one content is sealed, and nothing is returned before commitment, tag and salt hold.
 */
import { hmac } from '../../protocol/sha256.js';
import { toBase64url } from '../../protocol/base64url.js';
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { FrameError } from '../../protocol/frame-error.js';
import { domain } from '../../protocol/hash.js';
import { padme } from '../../protocol/padme.js';
import { NONCE_ZERO, TAG_BYTES, aesOpen, aesSeal, importAesKey } from './aes-gcm.js';
import { derive } from './derive.js';
import { SealError } from './seal-error.js';

const SUITE = 1;
const HEAD_BYTES = 1 + 32 + 32;
const LENGTH_BYTES = 4;
/** Bytes of a token: none is guessed, and none are the same by chance. */
const TOKEN_BYTES = 24;
const SECRET_BYTES = 32;
const utf8 = new TextEncoder();

/** What follows from the secret that the devices of one user share. */
export interface ForeignKeys {
  readonly token: Uint8Array;
  readonly salt: Uint8Array;
  readonly content: Uint8Array;
}

/** The secret for one foreign system, out of the root secret of a space: its holder cannot open the space. */
export function deriveForeignSecret(rootSecret: Uint8Array, system: string): Uint8Array {
  return derive(checked(rootSecret), undefined, 'foreign-secret', utf8.encode(system), SECRET_BYTES);
}

/** The keys of a secret of 32 bytes. */
export function deriveForeignKeys(secret: Uint8Array): ForeignKeys {
  const bytes = derive(checked(secret), undefined, 'foreign-keys', new Uint8Array(), 3 * SECRET_BYTES);
  return { token: bytes.slice(0, 32), salt: bytes.slice(32, 64), content: bytes.slice(64) };
}

/** A text as its relay may see it: the same for the same kind and text, and without the keys nothing else about it. */
export function foreignToken(keys: ForeignKeys, kind: string, text: string): string {
  const name = utf8.encode(kind);
  const message = new ByteWriter().u32(name.length).raw(name).raw(utf8.encode(text)).finish();
  return toBase64url(hmac(keys.token, message).slice(0, TOKEN_BYTES));
}

/** The sealed bytes of a content. */
export async function sealRecord(keys: ForeignKeys, content: Uint8Array): Promise<Uint8Array> {
  const length = padme(HEAD_BYTES + LENGTH_BYTES + content.length + TAG_BYTES) - HEAD_BYTES - TAG_BYTES;
  const plaintext = new ByteWriter(length).bytes32(content);
  plaintext.zeros(length - plaintext.length);
  const padded = plaintext.finish();
  const salt = saltOf(keys, padded);
  const { key, commitment } = recordKey(keys, salt);
  const sealed = await aesSeal(await importAesKey(key, 'encrypt'), NONCE_ZERO, associatedData(), padded);
  return new ByteWriter(HEAD_BYTES + sealed.length).u8(SUITE).raw32(salt).raw32(commitment).raw(sealed).finish();
}

/** The content of sealed bytes; throws SealError for anything that does not hold. */
export async function openRecord(keys: ForeignKeys, sealed: Uint8Array): Promise<Uint8Array> {
  if (sealed.length < HEAD_BYTES + LENGTH_BYTES + TAG_BYTES) throw new SealError('layout', 'too short for a record');
  if (sealed[0] !== SUITE) throw new SealError('suite', 'not a suite this client knows');
  const salt = sealed.slice(1, 33);
  const { key, commitment } = recordKey(keys, salt);
  if (!equalBytes(commitment, sealed.slice(33, HEAD_BYTES))) throw new SealError('commitment', 'sealed under another key');
  const padded = await aesOpen(await importAesKey(key, 'decrypt'), NONCE_ZERO, associatedData(), sealed.slice(HEAD_BYTES));
  if (padded === undefined) throw new SealError('content', 'the tag does not hold');
  if (!equalBytes(saltOf(keys, padded), salt)) throw new SealError('content', 'the salt is not that of the content');
  return contentOf(padded);
}

function contentOf(padded: Uint8Array): Uint8Array {
  try {
    return new ByteReader(padded).bytes32(padded.length);
  } catch (cause) {
    if (cause instanceof FrameError) throw new SealError('padding', 'the length does not hold', { cause });
    throw cause;
  }
}

function saltOf(keys: ForeignKeys, padded: Uint8Array): Uint8Array {
  return hmac(keys.salt, padded);
}

function recordKey(keys: ForeignKeys, salt: Uint8Array): { key: Uint8Array; commitment: Uint8Array } {
  const bytes = derive(keys.content, salt, 'foreign-record', new Uint8Array(), 64);
  return { key: bytes.slice(0, 32), commitment: bytes.slice(32) };
}

function associatedData(): Uint8Array {
  return domain('foreign-record');
}

function checked(secret: Uint8Array): Uint8Array {
  if (secret.length !== SECRET_BYTES) throw new SealError('device_secret', `a secret has ${SECRET_BYTES} bytes`);
  return secret;
}
