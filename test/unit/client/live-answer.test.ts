// What a session over HTTP reads: an open answer, or requests that wait where the network holds such answers back; each entry once.
import { expect, test } from 'vitest';
import { ACKS_ASKED_AFTER_MS, POLL_WAIT_MS, STREAM_BEHIND_MS, STREAM_START_MS } from '../../../src/client/limits.js';
import { LiveAnswer } from '../../../src/client/transport/live-answer.js';
import { ByteWriter } from '../../../src/protocol/byte-writer.js';
import { writeClientFrame } from '../../../src/protocol/client-frame-writer.js';
import { ZEROS } from '../../../src/protocol/hash.js';
import { encodeRelayFrame } from '../../../src/protocol/relay-frame-codec.js';
import { FRAME_TYPE } from '../../../src/protocol/frame-type.js';
import { ManualClock } from '../../support/manual-clock.js';

const EPOCH = 3;
const attestation = { logEpoch: EPOCH, size: 9, head: ZEROS, floor: 0, time: 1, pushes: ZEROS, salt: new Uint8Array(16), leafIndex: 0, leafCount: 1, path: [], signature: new Uint8Array(64) };

/** Entries with these seqs. */
const entries = (firstSeq: number, count: number): Uint8Array =>
  encodeRelayFrame({
    type: 'Entries', request: 0, more: false, firstSeq, attestation,
    items: Array.from({ length: count }, (_, at) => ({ device: ZEROS, pushSeq: at + 1, keyEpoch: 1, kind: 'sealed' as const, sealed: Uint8Array.of(at) })),
  });
const framed = (...frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const writer = new ByteWriter();
  for (const frame of frames) writer.bytes32(frame);
  return writer.finish();
};

class Network {
  readonly clock = new ManualClock();
  readonly asked: { readonly path: string; readonly signal: AbortSignal; readonly answer: (response: Response) => void }[] = [];
  readonly delivered: Uint8Array[] = [];
  readonly requests: (readonly Uint8Array[])[] = [];
  /** What such a request is answered by. */
  requested: readonly Uint8Array[] = [];
  failures = 0;
  readonly live = new LiveAnswer(writeClientFrame({ type: 'Subscribe', logEpoch: EPOCH, after: 4, omitOwnBodies: true }, []), {
    environment: this.clock,
    get: (path, signal) =>
      new Promise((answer, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        this.asked.push({ path, signal, answer });
      }),
    ask: async (frames) => {
      this.requests.push(frames);
      return this.requested;
    },
    deliver: (frames) => void this.delivered.push(...frames),
    failed: () => void (this.failures += 1),
  });

  get last() {
    return this.asked.at(-1)!;
  }

  /** The open answer begins; what is given is a piece of it. */
  begins(): (piece: Uint8Array) => void {
    let pieces!: ReadableStreamDefaultController<Uint8Array>;
    this.last.answer(new Response(new ReadableStream({ start: (controller) => void (pieces = controller) })));
    return (piece) => pieces.enqueue(piece);
  }

  async answers(...frames: readonly Uint8Array[]): Promise<void> {
    this.last.answer(new Response(framed(...frames)));
    await settled();
  }
}

const notice = encodeRelayFrame({ type: 'AckNotice', device: ZEROS, logEpoch: EPOCH, size: 4, head: ZEROS, signature: new Uint8Array(64) });

async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await new Promise(setImmediate);
}

test('an open answer that brings what there is stays the only one, however quiet it is', async () => {
  const network = new Network();
  expect(network.last.path).toBe(`/v1/subscribe?log_epoch=${EPOCH}&after=4&omit_own=1`);
  const say = network.begins();
  await settled();
  network.clock.advance(10 * STREAM_BEHIND_MS);
  network.live.attested(EPOCH, 4);
  network.clock.advance(STREAM_BEHIND_MS);
  // More is there, and comes in time, in two pieces.
  network.live.attested(EPOCH, 6);
  const frame = framed(entries(5, 2));
  say(frame.slice(0, 20));
  say(frame.slice(20));
  await settled();
  network.clock.advance(STREAM_BEHIND_MS);
  network.live.attested(EPOCH, 6);
  network.live.attested(EPOCH + 1, 60);
  network.clock.advance(STREAM_BEHIND_MS);
  expect([network.asked.length, network.delivered.length, network.failures, network.clock.waiting]).toEqual([1, 1, 0, 0]);
  network.live.end();
});

test('an answer that does not begin in time is given up, and requests that wait go on from the cursor', async () => {
  const network = new Network();
  network.clock.advance(STREAM_START_MS);
  await settled();
  expect(network.asked[0]?.signal.aborted).toBe(true);
  expect(network.last.path).toBe(`/v1/pull?log_epoch=${EPOCH}&after=4&wait_ms=${POLL_WAIT_MS}`);
  await network.answers(entries(5, 3));
  expect(network.last.path).toContain('after=7&');
  await network.answers(entries(8, 0));
  expect(network.last.path).toContain('after=7&');
  expect([network.delivered.length, network.failures]).toEqual([2, 0]);
  network.live.end();
  await settled();
  expect([network.last.signal.aborted, network.failures, network.clock.waiting]).toEqual([true, 0, 0]);
});

test('an answer that holds back what the relay attests is given up after what it brought, and what it brings later is dropped', async () => {
  const network = new Network();
  const say = network.begins();
  say(framed(entries(5, 1)));
  await settled();
  network.live.attested(EPOCH, 6);
  network.clock.advance(STREAM_BEHIND_MS);
  say(framed(entries(6, 1)));
  await settled();
  expect(network.last.path).toContain('/v1/pull?');
  expect(network.last.path).toContain('after=5&');
  await network.answers(entries(6, 1));
  expect(network.delivered.map((frame) => frame[0])).toEqual([FRAME_TYPE.Entries, FRAME_TYPE.Entries]);
  network.live.end();
});

test('an answer without entries is not asked again: the session subscribes anew; one that fails ends the session', async () => {
  const quiet = new Network();
  quiet.clock.advance(STREAM_START_MS);
  await settled();
  await quiet.answers(Uint8Array.of(FRAME_TYPE.CursorExpired));
  expect([quiet.asked.length, quiet.delivered.length, quiet.failures]).toEqual([2, 1, 0]);
  quiet.live.end();

  const broken = new Network();
  broken.clock.advance(STREAM_START_MS);
  await settled();
  broken.last.answer(new Response('<html>'));
  await settled();
  expect([broken.failures, broken.clock.waiting]).toEqual([1, 0]);
});

test('where answers are held back acks are asked for a while after a receipt, once for several, and nothing else of the answer is handed on', async () => {
  const network = new Network();
  network.live.attested(EPOCH, 4);
  network.clock.advance(STREAM_START_MS);
  await settled();
  network.clock.advance(ACKS_ASKED_AFTER_MS);
  // Not before something was attested.
  expect(network.requests).toEqual([]);
  network.requested = [notice, entries(5, 1), Uint8Array.of(FRAME_TYPE.LogReset)];
  network.live.attested(EPOCH, 5);
  network.live.attested(EPOCH, 6);
  network.clock.advance(ACKS_ASKED_AFTER_MS);
  await settled();
  const subscribe = { type: 'Subscribe', after: 4, omitOwnBodies: true } as const;
  expect(network.requests).toEqual([[EPOCH, EPOCH - 1].map((logEpoch) => writeClientFrame({ ...subscribe, logEpoch }, []))]);
  expect(network.delivered).toEqual([notice]);
  // The poll goes on as it was.
  expect([network.asked.length, network.failures]).toEqual([2, 0]);
  network.live.attested(EPOCH, 6);
  network.clock.advance(ACKS_ASKED_AFTER_MS);
  network.live.attested(EPOCH, 7);
  await settled();
  expect(network.requests).toHaveLength(2);
  // What came while it was under way is asked for behind it.
  network.clock.advance(ACKS_ASKED_AFTER_MS);
  expect(network.requests).toHaveLength(3);
  await settled();
  network.live.attested(EPOCH, 7);
  network.live.end();
  expect(network.clock.waiting).toBe(0);
});
