// What is told when the relay says that the space is gone from it. Its word is unsigned: nothing on this device goes because of it.
import { equalBytes } from '../../protocol/equal-bytes.js';
import { decodeErasureNotice, verifyErase } from '../../protocol/erasure.js';
import type { ErasureNotice, SignedErase } from '../../protocol/erasure.js';
import { FrameError } from '../../protocol/frame-error.js';
import { toHex } from '../../protocol/hex.js';
import { deviceOf } from '../../protocol/roster.js';
import type { RelayRefusal } from '../connection/relay-refusal.js';
import type { SpaceContext } from './space-context.js';

/** The relay ended the connection because the space is gone: tells the app. */
export function tellErased(context: SpaceContext, refusal: RelayRefusal): void {
  const notice = noticeOf(refusal.detail);
  const told = { reason: notice?.reason ?? 'operator', by: notice?.erase === null || notice === undefined ? null : toHex(notice.erase.signer), done: notice?.done ?? false, time: notice?.time ?? 0 } as const;
  void isGenuine(context, notice?.erase ?? null).then((verified) => context.events.emit('erased', { ...told, verified }));
}

async function isGenuine({ roster, identity, ed25519 }: SpaceContext, erase: SignedErase | null): Promise<boolean> {
  if (erase === null) return false;
  const isRoot = equalBytes(erase.signer, identity.space);
  const isAdmin = roster.known !== undefined && deviceOf(roster.known, erase.signer)?.rights === 'admin';
  return (isRoot || isAdmin) && verifyErase(identity, erase, ed25519);
}

// A relay that sends no notice, or one this build cannot read, is believed no more and no less.
function noticeOf(detail: Uint8Array): ErasureNotice | undefined {
  try {
    return decodeErasureNotice(detail);
  } catch (cause) {
    if (cause instanceof FrameError) return undefined;
    throw cause;
  }
}
