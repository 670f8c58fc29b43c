// What a receipt proves: that the signed head covers exactly the entries this device pushed.
import { equalBytes } from './equal-bytes.js';
import { pushLeaf } from './hash.js';
import { rootFromPath } from './merkle.js';
import type { ReceiptFrame } from './relay-frame.js';

/**
 * Whether the receipt's own claim holds for the entry ids pushed from `pushSeqFirst` on: the run lies within the attested
 * size and, when it says `stored`, its push leaf leads to the attested `pushes`. The attestation's signature is checked apart.
 */
export function receiptHolds(receipt: ReceiptFrame, device: Uint8Array, entryIds: readonly Uint8Array[]): boolean {
  if (receipt.count === 0 || receipt.count !== entryIds.length) return false;
  const { pushSeqFirst, seqFirst, attestation } = receipt;
  if (receipt.status === 'forgotten') return seqFirst === 0;
  if (seqFirst === 0 || seqFirst + (receipt.count - 1) > attestation.size) return false;
  if (receipt.status !== 'stored') return true;
  const root = rootFromPath(pushLeaf({ device, pushSeqFirst, seqFirst, entryIds }), receipt.proof);
  return root !== undefined && equalBytes(root, attestation.pushes);
}
