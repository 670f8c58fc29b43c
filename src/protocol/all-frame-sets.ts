// Every set of frames there is, for who must read whatever comes: test doubles and tools.
import { ERASURE_FRAMES } from './erasure-frames.js';
import type { FrameSet } from './frame-set.js';
import { LIVE_FRAMES } from './live-frame-codec.js';
import { SESSION_FRAMES } from './session-frames.js';
import { SNAPSHOT_FRAMES } from './snapshot-frames.js';

export const ALL_FRAME_SETS: readonly FrameSet[] = [ERASURE_FRAMES, SNAPSHOT_FRAMES, LIVE_FRAMES, SESSION_FRAMES];
