// What is never stored, as one: begun with a session, fed with its frames, and gone with it.
import { FrameError } from '../../protocol/frame-error.js';
import type { RelayFrame } from '../../protocol/relay-frame.js';
import type { SessionLink } from '../connection/connection-handler.js';
import type { EphemeralFrames } from '../live/ephemeral.js';
import type { LiveCrypto } from '../live/live-crypto.js';
import type { SpaceTopics } from '../live/topics.js';

export interface LiveParts {
  readonly crypto: LiveCrypto;
  readonly ephemeral: EphemeralFrames;
  readonly topics: SpaceTopics;
}

export function beginLive({ crypto, ephemeral, topics }: LiveParts, link: SessionLink, attestedTime: number): void {
  crypto.begin(attestedTime);
  ephemeral.up(link);
  topics.up(link);
}

export function endLive({ ephemeral, topics }: LiveParts): void {
  ephemeral.down();
  topics.down();
}

/** A frame that is none of theirs is out of place. */
export function routeLive({ ephemeral, topics }: LiveParts, frame: RelayFrame): void | Promise<void> {
  switch (frame.type) {
    case 'Ephemeral':
      return ephemeral.take(frame);
    case 'EphemeralMissed':
      return ephemeral.missed(frame);
    case 'TopicJoined':
      return topics.joined(frame);
    case 'TopicPeer':
    case 'TopicData':
    case 'TopicCredit':
      return topics.route(frame);
    default:
      throw new FrameError('unexpected_frame', `a ${frame.type} in an open session`);
  }
}
