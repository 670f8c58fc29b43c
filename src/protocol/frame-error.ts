// What a decoder throws when bytes do not follow docs/protocol.md. The peer is at fault; it is never temporary.

/** The registry's names: bytes that are no frame, a frame that has no place here, a field or roster outside its limits. */
export type FrameErrorCode = 'malformed_frame' | 'unexpected_frame' | 'request_invalid' | 'roster_too_large';

/** Bytes that do not follow the protocol; `code` is the registry name to answer with. */
export class FrameError extends Error {
  readonly code: FrameErrorCode;

  constructor(code: FrameErrorCode, detail: string) {
    super(`${code}: ${detail}`);
    this.name = 'FrameError';
    this.code = code;
  }
}
