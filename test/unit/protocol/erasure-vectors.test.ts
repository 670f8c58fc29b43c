import { describe, expect, it } from 'vitest';
import { decodeClientFrame } from '../../../src/protocol/client-frame-codec.js';
import { decodeErasureNotice, verifyErase, verifyPurge } from '../../../src/protocol/erasure.js';
import { FrameError } from '../../../src/protocol/frame-error.js';
import { toHex } from '../../../src/protocol/hex.js';
import { ed25519 } from '../crypto/fixtures.js';
import { hex, vectors } from './vectors.js';

interface Row {
  readonly description: string;
  readonly hex: string;
  readonly holds: boolean;
}
interface ErasureVectors {
  readonly signer: string;
  readonly space: string;
  readonly log_id: string;
  readonly purges: readonly Row[];
  readonly erasures: readonly Row[];
  readonly notices: readonly { readonly description: string; readonly hex: string; readonly reason: string; readonly done: boolean; readonly time: number }[];
  readonly refused_notices: readonly { readonly description: string; readonly hex: string }[];
}

const { signer, space, log_id: logId, purges, erasures, notices, refused_notices: refused } = vectors<ErasureVectors>('erasures');
const log = { space: hex(space), logId: hex(logId) };

describe('erasure vectors', () => {
  it.each(purges)('a purge: $description', async ({ hex: text, holds }) => {
    const frame = decodeClientFrame(hex(text));
    if (frame.type !== 'Purge') throw new Error('no Purge');
    expect(await verifyPurge(log, hex(signer), frame, ed25519)).toBe(holds);
  });

  it.each(erasures)('an erasure: $description', async ({ hex: text, holds }) => {
    const frame = decodeClientFrame(hex(text));
    if (frame.type !== 'Erase') throw new Error('no Erase');
    expect(await verifyErase(log, { ...frame, signer: hex(signer) }, ed25519)).toBe(holds);
  });

  it.each(notices)('a notice: $description', async ({ hex: text, reason, done, time }) => {
    const notice = decodeErasureNotice(hex(text));
    expect(notice).toMatchObject({ reason, done, time });
    expect(notice.erase === null).toBe(reason !== 'signed');
    if (notice.erase !== null) {
      expect(toHex(notice.erase.signer)).toBe(signer);
      expect(await verifyErase(log, notice.erase, ed25519)).toBe(true);
    }
  });

  it.each(refused)('refused: $description', ({ hex: text }) => {
    expect(() => decodeErasureNotice(hex(text))).toThrow(FrameError);
  });
});
