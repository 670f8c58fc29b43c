/*
 * CPace (draft-irtf-cfrg-cpace), suite CPACE-RISTR255-SHA512, with clear roles: A speaks first. Two sides that know the same short
 * secret get the same key; whoever does not know it can try one secret in each run, and learns nothing to try others with afterwards.
 */
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { ByteWriter } from '../../protocol/byte-writer.js';

const DSI = new TextEncoder().encode('CPaceRistretto255');
const DSI_ISK = new TextEncoder().encode('CPaceRistretto255_ISK');
const SHA512_BLOCK_BYTES = 128;
const SCALAR_BYTES = 32;
/** The top bits that a scalar of 252 bits does not have. */
const SCALAR_TOP_MASK = 0x0f;

/** What both sides know before they speak. */
export interface CpaceInput {
  /** The short secret (PRS). */
  readonly secret: Uint8Array;
  /** Who speaks to whom over what (CI). */
  readonly channel: Uint8Array;
  /** Of this run alone (sid). */
  readonly session: Uint8Array;
}

/** What a side sends: its share, and what it states beside it (AD). */
export interface CpaceMessage {
  readonly share: Uint8Array;
  readonly stated: Uint8Array;
}

/** The share of a scalar: 32 bytes, uniformly random, used in one run only. */
export function cpaceShare(input: CpaceInput, scalar: Uint8Array): Uint8Array {
  const generator = deriveToCurve(sha512(generatorString(input)));
  return generator.multiply(numberOf(scalar)).toBytes();
}

/** The key (ISK, 64 bytes) of both messages, or undefined when the other side's share is no share: then the run is over. */
export function cpaceKey(scalar: Uint8Array, otherShare: Uint8Array, session: Uint8Array, a: CpaceMessage, b: CpaceMessage): Uint8Array | undefined {
  const secretPoint = multiplied(scalar, otherShare);
  if (secretPoint === undefined) return undefined;
  const text = new ByteWriter(512);
  for (const part of [DSI_ISK, session, secretPoint, a.share, a.stated, b.share, b.stated]) writePrefixed(text, part);
  return sha512(text.finish());
}

/** lv_cat(DSI, PRS, zeros up to one block of the hash, CI, sid). */
export function generatorString({ secret, channel, session }: CpaceInput): Uint8Array {
  const head = writePrefixed(writePrefixed(new ByteWriter(256), DSI), secret);
  const padding = new Uint8Array(Math.max(0, SHA512_BLOCK_BYTES - head.length - 1));
  return writePrefixed(writePrefixed(writePrefixed(head, padding), channel), session).finish();
}

/** scalar_mult_vfy: undefined stands for the neutral element, which is also what bytes that are no element give. */
export function multiplied(scalar: Uint8Array, share: Uint8Array): Uint8Array | undefined {
  const point = decoded(share);
  if (point === undefined || point.is0()) return undefined;
  return point.multiply(numberOf(scalar)).toBytes();
}

function decoded(share: Uint8Array): ReturnType<typeof ristretto255.Point.fromBytes> | undefined {
  try {
    return ristretto255.Point.fromBytes(share);
  } catch {
    // The library has no other way to say that bytes are no element.
    return undefined;
  }
}

function deriveToCurve(uniform: Uint8Array): ReturnType<typeof ristretto255.Point.fromBytes> {
  const derive = ristretto255_hasher.deriveToCurve;
  if (derive === undefined) throw new RangeError('the curve library has no element derivation');
  return derive(uniform);
}

// Little-endian, without the bits above the group's size; the chance of zero is 2^-252.
function numberOf(scalar: Uint8Array): bigint {
  if (scalar.length !== SCALAR_BYTES) throw new RangeError(`a scalar has ${SCALAR_BYTES} bytes`);
  return scalar.reduceRight((number, byte, at) => (number << 8n) | BigInt(at === SCALAR_BYTES - 1 ? byte & SCALAR_TOP_MASK : byte), 0n);
}

/** Length in LEB128, then the bytes. */
function writePrefixed(writer: ByteWriter, bytes: Uint8Array): ByteWriter {
  let length = bytes.length;
  for (; length >= 0x80; length >>>= 7) writer.u8((length & 0x7f) | 0x80);
  return writer.u8(length).raw(bytes);
}
