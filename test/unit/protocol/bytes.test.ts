import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ByteReader, U64_MAX } from '../../../src/protocol/byte-reader.js';
import { ByteWriter } from '../../../src/protocol/byte-writer.js';
import { FrameError } from '../../../src/protocol/frame-error.js';
import { u16, u32, u64 } from './arbitraries.js';

describe('bytes', () => {
  it('numbers are big-endian, as DataView writes them', () => {
    fc.assert(
      fc.property(u16, u32, u64, (a, b, c) => {
        const expected = new DataView(new ArrayBuffer(14));
        expected.setUint16(0, a);
        expected.setUint32(2, b);
        expected.setBigUint64(6, BigInt(c));
        const written = new ByteWriter(1).u16(a).u32(b).u64(c).finish();
        expect(written).toEqual(new Uint8Array(expected.buffer));
        const reader = new ByteReader(written);
        expect([reader.u16(), reader.u32(), reader.u64(), reader.remaining]).toEqual([a, b, c, 0]);
      }),
    );
  });

  it('byte strings are views, not copies', () => {
    const bytes = Uint8Array.of(0, 2, 7, 8);
    const view = new ByteReader(bytes).bytes16();
    expect(view).toEqual(Uint8Array.of(7, 8));
    expect(view.buffer).toBe(bytes.buffer);
  });

  it('a list that cannot fit is refused before anything of it is read', () => {
    const read = vi.fn((reader: ByteReader) => reader.u8());
    expect(() => new ByteReader(new Uint8Array(100)).list(34, 1000, 3, read)).toThrow(FrameError);
    expect(() => new ByteReader(new Uint8Array(100)).list(11, 10, 1, read)).toThrow(FrameError);
    expect(read).not.toHaveBeenCalled();
  });

  it('2^53 − 1 is the largest number either way', () => {
    expect(new ByteReader(new ByteWriter().u64(U64_MAX).finish()).u64()).toBe(U64_MAX);
    expect(() => new ByteReader(Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0)).u64()).toThrow(FrameError);
    for (const value of [U64_MAX + 1, -1, 0.5, Number.NaN]) expect(() => new ByteWriter().u64(value)).toThrow(RangeError);
    expect(() => new ByteWriter().u8(256)).toThrow(RangeError);
    expect(() => new ByteWriter().bits64(2n ** 64n)).toThrow(RangeError);
  });

  it('every kind of number may be the first that does not fit', () => {
    const full = (): ByteWriter => new ByteWriter(1).u8(1);
    const written = [full().u8(2), full().u16(2), full().u32(2), full().u64(2), full().bits64(2n), full().zeros(1).u8(2)].map((writer) => writer.finish());
    expect(written.map((bytes) => [bytes.length, bytes.at(0), bytes.at(-1)])).toEqual([2, 3, 5, 9, 9, 3].map((length) => [length, 1, 2]));
  });

  it('a field of fixed size takes exactly that size', () => {
    expect(() => new ByteWriter().raw32(new Uint8Array(33))).toThrow(RangeError);
  });
});
