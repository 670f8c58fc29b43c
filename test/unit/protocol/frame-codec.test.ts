import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeClientFrame, decodeHelloVersions, encodeClientFrame } from '../../../src/protocol/client-frame-codec.js';
import { FrameError } from '../../../src/protocol/frame-error.js';
import { FRAME_TYPE } from '../../../src/protocol/frame-type.js';
import { decodeRelayFrame, encodeRelayFrame } from '../../../src/protocol/relay-frame-codec.js';
import { clientFrame, relayFrame } from './arbitraries.js';

const codeOf = (decode: () => unknown): string => {
  try {
    decode();
    return 'accepted';
  } catch (error) {
    if (error instanceof FrameError) return error.code;
    throw error;
  }
};

const bytesOf = (...values: number[]): Uint8Array => Uint8Array.from(values);
const repeat = (value: number, length: number): number[] => Array.from({ length }, () => value);

describe('frames', () => {
  it('every client frame survives the round trip, also at an offset of its buffer', () => {
    fc.assert(
      fc.property(clientFrame, (frame) => {
        const encoded = encodeClientFrame(frame);
        expect(encoded[0]).toBe(FRAME_TYPE[frame.type]);
        expect(decodeClientFrame(encoded)).toEqual(frame);
        const shifted = new Uint8Array(encoded.length + 5);
        shifted.set(encoded, 3);
        expect(decodeClientFrame(shifted.subarray(3, 3 + encoded.length))).toEqual(frame);
      }),
      { numRuns: 400 },
    );
  });

  it('every relay frame survives the round trip', () => {
    fc.assert(
      fc.property(relayFrame, (frame) => {
        const encoded = encodeRelayFrame(frame);
        expect(encoded[0]).toBe(FRAME_TYPE[frame.type]);
        expect(decodeRelayFrame(encoded)).toEqual(frame);
      }),
      { numRuns: 400 },
    );
  });

  it('every truncation and every extension is refused', () => {
    fc.assert(
      fc.property(relayFrame, fc.nat(), (frame, cut) => {
        const encoded = encodeRelayFrame(frame);
        expect(codeOf(() => decodeRelayFrame(encoded.subarray(0, cut % encoded.length)))).not.toBe('accepted');
        const longer = new Uint8Array(encoded.length + 1);
        longer.set(encoded);
        expect(codeOf(() => decodeRelayFrame(longer))).toBe('malformed_frame');
      }),
      { numRuns: 300 },
    );
  });

  it('arbitrary bytes give a frame or a FrameError, never another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(...Object.values(FRAME_TYPE)), (body, number) => {
        const message = bytesOf(number, ...body);
        codeOf(() => decodeRelayFrame(message));
        codeOf(() => decodeClientFrame(message));
      }),
      { numRuns: 2000 },
    );
  });

  it('what decodes encodes to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 21 }), (body) => {
        const message = bytesOf(FRAME_TYPE.Subscribe, ...body.subarray(0, 17));
        if (codeOf(() => decodeClientFrame(message)) === 'accepted') {
          expect(encodeClientFrame(decodeClientFrame(message))).toEqual(message);
        }
      }),
    );
  });

  it.each([
    ['an empty message', bytesOf(), 'malformed_frame'],
    ['an unknown number', bytesOf(0x68), 'unexpected_frame'],
    ['a reserved number', bytesOf(0x34), 'unexpected_frame'],
    ['a frame of the other way', bytesOf(FRAME_TYPE.Welcome), 'unexpected_frame'],
    ['a u64 above 2^53 − 1', bytesOf(FRAME_TYPE.Ping, 0, 0x20, 0, 0, 0, 0, 0, 0), 'malformed_frame'],
    ['an unknown flag', bytesOf(FRAME_TYPE.Subscribe, ...repeat(0, 16), 2), 'malformed_frame'],
    ['a Hello without versions', bytesOf(FRAME_TYPE.Hello, 0), 'request_invalid'],
    ['a Hello with 17 versions', bytesOf(FRAME_TYPE.Hello, 17, ...repeat(0, 34)), 'malformed_frame'],
    ['a push_seq of 0', bytesOf(FRAME_TYPE.Push, ...repeat(0, 8), 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 9), 'request_invalid'],
    ['a push of nothing', bytesOf(FRAME_TYPE.Push, ...repeat(0, 7), 1, 0, 0, 0, 1, 0, 0), 'request_invalid'],
    ['an empty entry', bytesOf(FRAME_TYPE.Push, ...repeat(0, 7), 1, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 9, 9), 'request_invalid'],
    ['push_seqs beyond 2^53 − 1', bytesOf(FRAME_TYPE.Push, 0, 0x1f, ...repeat(0xff, 6), 0, 0, 0, 1, 0, 2, 0, 0, 0, 1, 9, 0, 0, 0, 1, 9), 'request_invalid'],
    ['more leaves than a page', bytesOf(FRAME_TYPE.PullLeaves, 0, 0, 0, 1, ...repeat(0, 8), 0, 0, 0x20, 1), 'request_invalid'],
    ['a chain of 1,025', bytesOf(FRAME_TYPE.RosterPut, 0x04, 0x01), 'roster_too_large'],
    ['a keyring of 129 KiB', bytesOf(FRAME_TYPE.RosterPut, 0, 0, 0, 2, 4, 0), 'roster_too_large'],
  ])('%s is refused', (_, message, code) => {
    expect(codeOf(() => decodeClientFrame(message))).toBe(code);
  });

  it.each([
    ['an unknown receipt status', [FRAME_TYPE.Receipt, ...repeat(0, 10), 3], 'malformed_frame'],
    ['an unknown kind of item', [FRAME_TYPE.Entries, ...repeat(0, 4), 0, ...repeat(0, 8), 0, 1, ...repeat(0, 44), 2], 'malformed_frame'],
    ['a state of a snapshot that is neither', [FRAME_TYPE.SnapshotStatus, ...repeat(0, 36), 2], 'malformed_frame'],
    ['too many leaves', [FRAME_TYPE.Leaves, ...repeat(0, 12), 0, 0, 0x20, 1], 'malformed_frame'],
  ])('%s is refused', (_, message, code) => {
    expect(codeOf(() => decodeRelayFrame(bytesOf(...message, ...repeat(0, 300))))).toBe(code);
  });

  it('reads the versions of a Hello whose rest is of another version', () => {
    expect(decodeHelloVersions(bytesOf(FRAME_TYPE.Hello, 2, 0, 9, 0, 1, 0xff))).toEqual([9, 1]);
    expect(codeOf(() => decodeHelloVersions(bytesOf(FRAME_TYPE.Ping)))).toBe('unexpected_frame');
  });

  it('refuses to encode what does not fit', () => {
    expect(() => encodeClientFrame({ type: 'Ping', nonce: 2 ** 53 })).toThrow(RangeError);
    expect(() => encodeClientFrame({ type: 'SnapshotAck', snapshot: new Uint8Array(31), signature: new Uint8Array(64) })).toThrow(RangeError);
  });
});
