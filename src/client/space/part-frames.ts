// Frames of the parts of a space: each goes to the part whose it is.
import { FrameError } from '../../protocol/frame-error.js';
import type { RelayFrame } from '../../protocol/relay-frame.js';
import type { OpenPart } from './space-part.js';

/** A frame that is nobody's is out of place. */
export function routeToParts(parts: readonly Pick<OpenPart<object>, 'frame'>[], frame: RelayFrame): Promise<void> | void {
  for (const part of parts) {
    const taken = part.frame?.(frame) ?? (part.frame === undefined ? false : undefined);
    if (taken !== false) return taken;
  }
  throw new FrameError('unexpected_frame', `a ${frame.type} in an open session`);
}
