// Attestations as bytes: for evidence, for storage, and for comparing heads with another device.
import { writeAttestation, readAttestation } from '../../protocol/attestation.js';
import type { Attestation } from '../../protocol/attestation.js';
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';

export function encodeAttestation(attestation: Attestation): Uint8Array {
  const writer = new ByteWriter();
  writeAttestation(writer, attestation);
  return writer.finish();
}

/** Throws FrameError when the bytes are no attestation. */
export function decodeAttestation(bytes: Uint8Array): Attestation {
  const reader = new ByteReader(bytes);
  const attestation = readAttestation(reader);
  reader.end();
  return attestation;
}
