// What two devices say to each other in a mailbox, one item of the mailbox's log each. Layout: docs/protocol.md section 14.
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import { FrameError } from '../../protocol/frame-error.js';

/** Why a side ended the pairing. */
export type EndReason = 'wrong_code' | 'cancelled' | 'expired' | 'refused';

const TYPE = { hello: 1, answer: 2, proof: 3, handover: 4, done: 5, end: 6 } as const;
const REASONS: readonly EndReason[] = ['wrong_code', 'cancelled', 'expired', 'refused'];

/**
 * - `hello`: the joiner's share. `answer`: the offerer's share for that one, with its proof of the key.
 * - `proof`: the joiner's proof, with its keys sealed. `handover`: everything a new device needs, sealed.
 * - `done`: the joiner stored it. `end`: the sender gives up; nobody signs it, so it ends a pairing and proves nothing.
 */
export type PairingMessage =
  | { readonly type: 'hello'; readonly share: Uint8Array }
  | { readonly type: 'answer'; readonly to: Uint8Array; readonly share: Uint8Array; readonly proof: Uint8Array }
  | { readonly type: 'proof'; readonly from: Uint8Array; readonly proof: Uint8Array; readonly sealed: Uint8Array }
  | { readonly type: 'handover'; readonly to: Uint8Array; readonly sealed: Uint8Array }
  | { readonly type: 'done'; readonly from: Uint8Array }
  | { readonly type: 'end'; readonly role: 'joiner' | 'offerer'; readonly reason: EndReason };

export function encodeMessage(message: PairingMessage): Uint8Array {
  const writer = new ByteWriter().u8(TYPE[message.type]);
  switch (message.type) {
    case 'hello':
      return writer.raw32(message.share).finish();
    case 'answer':
      return writer.raw32(message.to).raw32(message.share).raw32(message.proof).finish();
    case 'proof':
      return writer.raw32(message.from).raw32(message.proof).bytes32(message.sealed).finish();
    case 'handover':
      return writer.raw32(message.to).bytes32(message.sealed).finish();
    case 'done':
      return writer.raw32(message.from).finish();
    case 'end':
      return writer.u8(message.role === 'joiner' ? 1 : 2).u8(REASONS.indexOf(message.reason)).finish();
  }
}

/** The message, or undefined: whoever knows the mailbox may write anything into it. */
export function decodeMessage(item: Uint8Array): PairingMessage | undefined {
  try {
    const reader = new ByteReader(item);
    const message = read(reader);
    reader.end();
    return message;
  } catch (cause) {
    if (cause instanceof FrameError) return undefined;
    throw cause;
  }
}

function read(reader: ByteReader): PairingMessage | undefined {
  switch (reader.u8()) {
    case TYPE.hello:
      return { type: 'hello', share: reader.raw32() };
    case TYPE.answer:
      return { type: 'answer', to: reader.raw32(), share: reader.raw32(), proof: reader.raw32() };
    case TYPE.proof:
      return { type: 'proof', from: reader.raw32(), proof: reader.raw32(), sealed: reader.bytes32() };
    case TYPE.handover:
      return { type: 'handover', to: reader.raw32(), sealed: reader.bytes32() };
    case TYPE.done:
      return { type: 'done', from: reader.raw32() };
    case TYPE.end: {
      const role = reader.u8() === 1 ? 'joiner' : 'offerer';
      const reason = REASONS[reader.u8()];
      return reason === undefined ? undefined : { type: 'end', role, reason };
    }
    default:
      return undefined;
  }
}
