import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeFrame, FrameReader, type DirectFrame } from '../../../../src/client/plures/direct-frame.js';

const FRAMES: readonly DirectFrame[] = [
  { kind: 'hello', peerId: 'pëer', proof: Uint8Array.of(1, 2) },
  { kind: 'data', number: 2 ** 40, bytes: new Uint8Array(300).fill(7) },
  { kind: 'data', number: 1, bytes: new Uint8Array() },
  { kind: 'ack', number: 9 },
  { kind: 'ping' },
  { kind: 'mark', mark: null },
  { kind: 'mark', mark: { digest: new Uint8Array(32).fill(3), messages: 4, ageMs: 5 } },
  { kind: 'bye' },
];

const plain = (frames: readonly DirectFrame[]): unknown => JSON.parse(JSON.stringify(frames, (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value)));

test('frames are put together again, however the stream was cut', () => {
  const stream = Buffer.concat(FRAMES.map((frame) => encodeFrame(frame)));
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 30 }), (cuts) => {
      const reader = new FrameReader();
      const ends = [...cuts.toSorted((a, b) => a - b), stream.length];
      const frames = ends.flatMap((end, at) => [...reader.push(Uint8Array.from(stream.subarray(ends[at - 1] ?? 0, end)))]);
      expect(plain(frames)).toEqual(plain(FRAMES));
    }),
    { numRuns: 200 },
  );
});

test('nothing does more than be refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const framed = Buffer.concat([Buffer.of(0, 0, 0, bytes.length), bytes]);
      try {
        for (const frame of new FrameReader().push(Uint8Array.from(framed))) expect(frame.kind).toBeTypeOf('string');
      } catch (cause) {
        expect(cause).toBeInstanceOf(Error);
      }
    }),
  );
  expect(() => [...new FrameReader().push(Uint8Array.of(0x7f, 0, 0, 0))]).toThrow(RangeError);
  expect(() => [...new FrameReader().push(Uint8Array.of(0, 0, 0, 0))]).toThrow(RangeError);
  expect(() => [...new FrameReader().push(Uint8Array.of(0, 0, 0, 1, 99))]).toThrow(RangeError);
});
