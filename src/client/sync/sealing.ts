// Seals batches one after the other (each entry names the one before) and seals unsent ones again under a new key epoch.
import { hash } from '../../protocol/hash.js';
import { ClientError } from '../client-error.js';
import type { SeenHead } from '../crypto/entry-header.js';
import type { OutboxEntry } from '../outbox/outbox-store.js';
import type { SpaceContext } from '../space/space-context.js';
import type { Batch } from './batcher.js';

export class Sealing {
  readonly #context: SpaceContext;
  readonly #appended: () => void;
  #queue: Promise<void> = Promise.resolve();
  #queuedBytes = 0;
  #queued = 0;

  /** `appended` is called after each entry that the outbox holds durably. */
  constructor(context: SpaceContext, appended: () => void) {
    this.#context = context;
    this.#appended = appended;
  }

  /** Bytes of batches not yet sealed. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get idle(): boolean {
    return this.#queued === 0;
  }

  /** Queues a batch; a failure is the write's. */
  enqueue(batch: Batch): void {
    this.#queuedBytes += batch.bytes;
    this.#queued += 1;
    this.#queue = this.#queue.then(async () => {
      try {
        await this.#sealBatch(batch);
      } catch (cause) {
        const error = cause instanceof ClientError ? cause : new ClientError('internal', 'a batch could not be sealed or stored', { cause });
        batch.write.fail(error);
        this.#context.events.emit('error', error);
      }
      this.#queuedBytes -= batch.bytes;
      this.#queued -= 1;
      this.#appended();
    });
  }

  /** Seals the unsent entries from that push_seq on again, under the roster's key epoch. */
  reseal(fromPushSeq: number): Promise<void> {
    const done = this.#queue.then(() => this.#reseal(fromPushSeq));
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async #sealBatch(batch: Batch): Promise<void> {
    const { outbox, marks, writes } = this.#context;
    const pushSeq = marks.own.pushSeq + 1;
    const entry = await this.#seal(pushSeq, marks.own.entryId, batch.items, batch.type);
    writes.add(pushSeq, batch.write);
    try {
      // Not before it is stored: the marks are saved at any time, and a start after a crash would leave out what is in them and not in the outbox.
      if (await outbox.append(entry)) marks.own = { ...marks.own, pushSeq, entryId: entry.entryId };
    } catch (cause) {
      writes.remove(pushSeq);
      throw cause;
    }
  }

  async #reseal(fromPushSeq: number): Promise<void> {
    const { outbox, marks } = this.#context;
    const fresh: OutboxEntry[] = [];
    let previous: Uint8Array | undefined;
    for (let pushSeq = fromPushSeq; ; pushSeq += 1) {
      const entry = outbox.get(pushSeq);
      if (entry === undefined) break;
      const opened = await this.#open(entry);
      const sealed: OutboxEntry = await this.#seal(pushSeq, previous ?? opened.previous, opened.items, opened.type);
      previous = sealed.entryId;
      fresh.push(sealed);
    }
    if (previous === undefined) return;
    marks.own = { ...marks.own, entryId: previous };
    await outbox.reseal(fresh);
  }

  async #seal(pushSeq: number, previous: Uint8Array, items: readonly Uint8Array[], type?: number): Promise<OutboxEntry> {
    const { roster, ed25519, identity, device, environment, sealer } = this.#context;
    const keyEpoch = roster.known?.keyEpoch ?? 0;
    const epochKey = roster.keys.get(keyEpoch);
    if (epochKey === undefined) throw new ClientError('removed', 'this device has no key of the present key epoch');
    const sealed = await sealer.seal({
      ...(type === undefined ? {} : { type }),
      ed25519,
      epochKey,
      keyEpoch,
      space: identity.space,
      device,
      pushSeq,
      previous,
      roster: { version: roster.version, hash: roster.hash },
      seen: this.#seen(),
      time: environment.now(),
      items,
      random: (length) => environment.randomBytes(length),
    });
    return { pushSeq, keyEpoch, entryId: hash(sealed), sealed, seq: 0 };
  }

  async #open(entry: OutboxEntry): ReturnType<SpaceContext['sealer']['open']> {
    const { roster, ed25519, identity, device, sealer } = this.#context;
    const epochKey = roster.keys.get(entry.keyEpoch);
    if (epochKey === undefined) throw new ClientError('state_damaged', 'the key of an own entry is missing');
    const { keyEpoch, pushSeq, sealed } = entry;
    return sealer.open({ ed25519, epochKey, keyEpoch, space: identity.space, device: device.key, pushSeq, sealed });
  }

  #seen(): readonly SeenHead[] {
    const { log, identity } = this.#context;
    const verified = log.verified;
    if (verified === undefined) return [];
    const { logEpoch, size, head, time } = verified;
    return [{ logId: identity.logId, logEpoch, size, head, time }];
  }
}
