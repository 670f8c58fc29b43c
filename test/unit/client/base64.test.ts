import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { fromBase64, toBase64 } from '../../../src/client/base64.js';

test('is what everybody else makes of the same bytes', () => {
  for (let length = 0; length < 200; length += 1) {
    const bytes = randomBytes(length);
    const text = bytes.toString('base64');
    expect(toBase64(bytes)).toBe(text);
    expect(Buffer.from(fromBase64(text)!)).toEqual(bytes);
    expect(Buffer.from(fromBase64(text.replaceAll('=', ''))!)).toEqual(bytes);
  }
});

test.each(['A', 'AAAAA', '====', 'A===', 'AA=', 'AAA=A', 'AA-A', 'AA_A', 'AA A', 'AAé=', 'AA\n='])('is strict about what is none: %j', (text) => {
  expect(fromBase64(text)).toBeUndefined();
});

test('takes megabytes in well under a second', () => {
  const bytes = Uint8Array.from(randomBytes(10_000_000));
  const start = performance.now();
  const again = fromBase64(toBase64(bytes))!;
  expect(performance.now() - start).toBeLessThan(2000);
  expect(Buffer.compare(Buffer.from(again), Buffer.from(bytes))).toBe(0);
});
