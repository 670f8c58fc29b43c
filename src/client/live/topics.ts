// The topics of an open space: joined again in every session, ended by leave() or by the relay.
import type { ErrorName } from '../../protocol/errors.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { FEATURE_TOPICS, TOPICS_PER_SESSION_MAX } from '../../protocol/limits.js';
import type { TopicCreditFrame, TopicDataFrame, TopicJoinedFrame, TopicPeerFrame } from '../../protocol/live-frame.js';
import { ClientError } from '../client-error.js';
import type { SessionLink } from '../connection/connection-handler.js';
import type { RelayRefusal } from '../connection/relay-refusal.js';
import { topicKey } from '../crypto/live-seal.js';
import { TOPIC_NAME_CHARS_MAX } from '../limits.js';
import type { SpaceContext } from '../space/space-context.js';
import type { LiveCrypto } from './live-crypto.js';
import { SpaceTopic } from './topic.js';
import type { Topic } from './topic.js';

const ABOUT_TOPICS: ReadonlySet<ErrorName> = new Set(['topic_limit', 'topic_unknown', 'topic_window_full', 'topic_overrun']);

export class SpaceTopics {
  readonly #context: SpaceContext;
  readonly #crypto: LiveCrypto;
  readonly #topics = new Set<SpaceTopic>();
  #link: SessionLink | undefined;

  constructor(context: SpaceContext, crypto: LiveCrypto) {
    this.#context = context;
    this.#crypto = crypto;
  }

  /** The topic of a name, joined as soon as there is a session. The same name gives the same topic until it ends. */
  join(name: string): Topic {
    if (name.length > TOPIC_NAME_CHARS_MAX) throw new ClientError('bad_option', `the name of a topic has at most ${TOPIC_NAME_CHARS_MAX} characters`);
    const known = [...this.#topics].find((topic) => topic.name === name);
    if (known !== undefined) return known;
    if (this.#topics.size >= TOPICS_PER_SESSION_MAX) throw new ClientError('topic_limit', `a session is in at most ${TOPICS_PER_SESSION_MAX} topics`);
    const topic = new SpaceTopic(name, this.#keyOf(name), { context: this.#context, crypto: this.#crypto, left: (left) => this.#topics.delete(left) });
    this.#topics.add(topic);
    this.#link?.send({ type: 'TopicJoin', topic: topic.key });
    return topic;
  }

  up(link: SessionLink): void {
    if ((link.features & FEATURE_TOPICS) === 0n) return;
    this.#link = link;
    for (const topic of this.#topics) link.send({ type: 'TopicJoin', topic: topic.key });
  }

  down(): void {
    this.#link = undefined;
    for (const topic of this.#topics) topic.down();
  }

  close(): void {
    const error = new ClientError('closed', 'the space was closed');
    for (const topic of this.#topics) topic.end(error);
    this.#topics.clear();
  }

  joined(frame: TopicJoinedFrame): void {
    const topic = this.#byKey(frame.topic);
    if (topic !== undefined && this.#link !== undefined) topic.opened(this.#link, frame);
  }

  // Frames of a topic that was left meanwhile are of no interest.
  route(frame: TopicPeerFrame | TopicDataFrame | TopicCreditFrame): void {
    const topic = [...this.#topics].find(({ number }) => number === frame.number);
    if (frame.type === 'TopicPeer') topic?.peer(frame);
    else if (frame.type === 'TopicCredit') topic?.credit(frame);
    else topic?.take(frame);
  }

  /** Whether an error of the relay was about topics. */
  refused(refusal: RelayRefusal): boolean {
    if (refusal.name === undefined || !ABOUT_TOPICS.has(refusal.name)) return false;
    const about = refusal.context === 0 ? this.#byKey(refusal.detail) : [...this.#topics].find(({ number }) => number === refusal.context);
    const ended = refusal.name === 'topic_overrun' ? [...this.#topics] : about === undefined ? [] : [about];
    for (const topic of ended) {
      const number = topic.number;
      this.#topics.delete(topic);
      topic.close(refusal.error);
      if (number !== undefined) this.#link?.send({ type: 'TopicLeave', number });
    }
    return true;
  }

  #byKey(key: Uint8Array): SpaceTopic | undefined {
    return [...this.#topics].find((topic) => equalBytes(topic.key, key));
  }

  // Of the oldest key epoch, which every device holds: so the name means the same to all of them, before and after a removal.
  #keyOf(name: string): Uint8Array {
    const { roster, identity } = this.#context;
    const oldest = roster.keys.get(Math.min(...roster.keys.keys()));
    if (oldest === undefined) throw new ClientError('removed', 'this device has no key of the space');
    return topicKey(oldest, identity.space, name);
  }
}
