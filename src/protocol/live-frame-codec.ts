// Bytes of ephemeral frames and of topics.
import type { ByteReader } from './byte-reader.js';
import { U64_MAX } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import type { ClientFrame } from './client-frame.js';
import { FrameError } from './frame-error.js';
import type { FrameSet } from './frame-set.js';
import { FRAME_TYPE } from './frame-type.js';
import { EPHEMERAL_BYTES_MAX, TOPIC_MESSAGE_BYTES_MAX } from './limits.js';
import type { LiveClientFrame, LiveRelayFrame, TopicCreditFrame } from './live-frame.js';
import { readBoolean } from './read-boolean.js';

const U32_MAX = 0xffff_ffff;

/** Appends the body; false when the frame is none of these. */
export function writeLiveFrame(writer: ByteWriter, frame: ClientFrame | LiveRelayFrame): boolean {
  switch (frame.type) {
    case 'EphemeralListen':
      writer.u8(frame.listen ? 1 : 0);
      return true;
    case 'EphemeralSend':
      writer.u32(frame.keyEpoch).bytes16(frame.sealed);
      return true;
    case 'Ephemeral':
      writer.raw32(frame.device).u32(frame.keyEpoch).bytes16(frame.sealed);
      return true;
    case 'EphemeralMissed':
      writer.u64(frame.count);
      return true;
    case 'TopicJoin':
      writer.raw32(frame.topic);
      return true;
    case 'TopicLeave':
      writer.u32(frame.number);
      return true;
    case 'TopicJoined':
      writer.raw32(frame.topic).u32(frame.number).u32(frame.peer);
      return true;
    case 'TopicPeer':
      writer.u32(frame.number).u32(frame.peer).raw32(frame.device).u8(frame.present ? 1 : 0);
      return true;
    case 'TopicSend':
      writer.u32(frame.number).u8(frame.toAll ? 1 : 0).u32(frame.peer).u32(frame.keyEpoch).bytes32(frame.sealed);
      return true;
    case 'TopicData':
      writer.u32(frame.number).u32(frame.peer).u8(frame.toAll ? 1 : 0).u32(frame.keyEpoch).bytes32(frame.sealed);
      return true;
    case 'TopicCredit':
      writer.u32(frame.number).u32(frame.peer).u32(frame.bytes);
      return true;
    default:
      return false;
  }
}

/** The body of a client's frame; undefined when the number is none of these. */
export function readLiveClientFrame(reader: ByteReader, type: number): LiveClientFrame | undefined {
  switch (type) {
    case FRAME_TYPE.EphemeralListen:
      return { type: 'EphemeralListen', listen: readBoolean(reader) };
    case FRAME_TYPE.EphemeralSend:
      return { type: 'EphemeralSend', keyEpoch: reader.u32(), sealed: readSealed(reader.bytes16(), EPHEMERAL_BYTES_MAX) };
    case FRAME_TYPE.TopicJoin:
      return { type: 'TopicJoin', topic: reader.raw32() };
    case FRAME_TYPE.TopicLeave:
      return { type: 'TopicLeave', number: reader.u32() };
    case FRAME_TYPE.TopicSend: {
      const place = { number: reader.u32(), toAll: readBoolean(reader), peer: reader.u32() };
      return { type: 'TopicSend', ...place, keyEpoch: reader.u32(), sealed: readSealed(reader.bytes32(), TOPIC_MESSAGE_BYTES_MAX) };
    }
    case FRAME_TYPE.TopicCredit:
      return readCredit(reader);
    default:
      return undefined;
  }
}

/** The body of a relay's frame; undefined when the number is none of these. */
function readLiveRelayFrame(reader: ByteReader, type: number): LiveRelayFrame | undefined {
  switch (type) {
    case FRAME_TYPE.Ephemeral:
      return { type: 'Ephemeral', device: reader.raw32(), keyEpoch: reader.u32(), sealed: readSealed(reader.bytes16(), EPHEMERAL_BYTES_MAX) };
    case FRAME_TYPE.EphemeralMissed:
      return { type: 'EphemeralMissed', count: inRange(reader.u64(), U64_MAX) };
    case FRAME_TYPE.TopicJoined:
      return { type: 'TopicJoined', topic: reader.raw32(), number: reader.u32(), peer: reader.u32() };
    case FRAME_TYPE.TopicPeer:
      return { type: 'TopicPeer', number: reader.u32(), peer: reader.u32(), device: reader.raw32(), present: readBoolean(reader) };
    case FRAME_TYPE.TopicData: {
      const place = { number: reader.u32(), peer: reader.u32(), toAll: readBoolean(reader) };
      return { type: 'TopicData', ...place, keyEpoch: reader.u32(), sealed: readSealed(reader.bytes32(), TOPIC_MESSAGE_BYTES_MAX) };
    }
    case FRAME_TYPE.TopicCredit:
      return readCredit(reader);
    default:
      return undefined;
  }
}

function readCredit(reader: ByteReader): TopicCreditFrame {
  return { type: 'TopicCredit', number: reader.u32(), peer: reader.u32(), bytes: inRange(reader.u32(), U32_MAX) };
}

function readSealed(sealed: Uint8Array, bytesMax: number): Uint8Array {
  inRange(sealed.length, bytesMax);
  return sealed;
}

function inRange(value: number, max: number): number {
  if (value < 1 || value > max) throw new FrameError('request_invalid', `a field of ${value} is not from 1 to ${max}`);
  return value;
}

export const LIVE_FRAMES: FrameSet = { read: readLiveRelayFrame, write: writeLiveFrame };
