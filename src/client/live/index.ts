/**
 * What is never stored: ephemeral frames to whoever is there now, and topics, pipes between sessions.
 *
 * ```ts
 * const space = await openSpace({ link, parts: [live] });
 * space.ephemeral.subscribe(({ device, payload }) => show(device, payload));
 * const topic = space.topic('room');
 * ```
 */
import { LIVE_FRAMES } from '../../protocol/live-frame-codec.js';
import type { RelayFrame } from '../../protocol/relay-frame.js';
import type { SpacePart } from '../space/space-part.js';
import type { Space } from '../space/space.js';
import { EphemeralFrames } from './ephemeral.js';
import type { Ephemeral } from './ephemeral.js';
import { LIVE_SEALER, LiveCrypto } from './live-crypto.js';
import { SpaceTopics } from './topics.js';
import type { Topic } from './topic.js';

export { EPHEMERAL_PAYLOAD_BYTES_MAX } from './ephemeral.js';
export type { Ephemeral, EphemeralMessage } from './ephemeral.js';
export type { LiveRejection } from './live-crypto.js';
export { TOPIC_PAYLOAD_BYTES_MAX } from './topic.js';
export type { Topic, TopicEvents, TopicMessage, TopicPeer, TopicSendOptions } from './topic.js';

/** What a space with this part can do. */
export interface LiveCalls {
  /** Frames to whoever is there now: never stored, and lost when somebody is slow. */
  readonly ephemeral: Ephemeral;
  /** Joins the topic of a name: pipes to the other sessions that joined it, nothing stored. Throws `topic_limit` or `closed`. */
  topic(name: string): Topic;
}

/** A space with this part. */
export type LiveSpace = Space & LiveCalls;

/** The part, for any space. */
export const live: SpacePart<LiveCalls> = {
  name: 'live',
  frames: LIVE_FRAMES,
  open: ({ context, assertOpen, internals }) => {
    const crypto = new LiveCrypto(context, internals.liveSealer ?? LIVE_SEALER);
    const ephemeral = new EphemeralFrames(context, crypto);
    const topics = new SpaceTopics(context, crypto);
    return {
      calls: {
        ephemeral,
        topic: (name) => {
          assertOpen();
          return topics.join(name);
        },
      },
      begin: (link, attestedTime) => {
        crypto.begin(attestedTime);
        ephemeral.up(link);
        topics.up(link);
      },
      frame: (frame) => route(ephemeral, topics, frame),
      refused: (refusal) => topics.refused(refusal) || ephemeral.refused(refusal.name, refusal.context, refusal.error),
      down: () => {
        ephemeral.down();
        topics.down();
      },
      close: () => topics.close(),
    };
  },
};

function route(ephemeral: EphemeralFrames, topics: SpaceTopics, frame: RelayFrame): Promise<void> | void | false {
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
      return false;
  }
}
