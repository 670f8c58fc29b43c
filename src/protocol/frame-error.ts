// What a decoder throws when bytes do not follow docs/protocol.md. The peer is at fault; it is never temporary.

/** The registry's names for bytes that cannot be a frame. */
export type FrameErrorCode = 'malformed_frame' | 'unexpected_frame' | 'frame_too_large';

/** Bytes that do not follow the protocol; `code` is the registry name to answer with. */
export class FrameError extends Error {
  readonly code: FrameErrorCode;

  constructor(code: FrameErrorCode, detail: string) {
    super(`${code}: ${detail}`);
    this.name = 'FrameError';
    this.code = code;
  }
}
