// Bytes of the frames that carry a session over HTTP.
import type { FrameSet } from './frame-set.js';
import { FRAME_TYPE } from './frame-type.js';
import { SESSION_TICKET_BYTES, SESSION_TOKEN_BYTES_MAX } from './limits.js';

const read: FrameSet['read'] = (reader, type) => {
  switch (type) {
    case FRAME_TYPE.SessionTicket:
      return { type: 'SessionTicket', expiresInMs: reader.u32(), ticket: reader.raw(SESSION_TICKET_BYTES) };
    case FRAME_TYPE.SessionToken:
      return { type: 'SessionToken', expiresInMs: reader.u32(), token: reader.bytes16(SESSION_TOKEN_BYTES_MAX) };
    default:
      return undefined;
  }
};

/** Clients send none of them as frames: they show a ticket and a token in requests. */
export const SESSION_FRAMES: FrameSet = { read, write: () => false };
