import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { CodePointIndex, codePointLength } from '../../e2e/trace/code-points.ts';
import { parseTrace } from '../../e2e/trace/trace-file.ts';

const trace = (patches: unknown): string =>
  JSON.stringify({ startContent: '', endContent: 'ab', txns: [{ patches }] });

describe('a trace file', () => {
  test('yields the patches of all transactions in order', () => {
    const text = JSON.stringify({
      startContent: '',
      endContent: 'ab',
      txns: [{ patches: [[0, 0, 'a']] }, { patches: [[1, 0, 'b'], [0, 0, '']] }],
    });
    expect(parseTrace(text).patches).toEqual([
      [0, 0, 'a'],
      [1, 0, 'b'],
      [0, 0, ''],
    ]);
  });

  test.each([
    ['a list', '[]', 'one JSON object'],
    ['a patch with a negative position', trace([[-1, 0, 'a']]), 'txns[0].patches[0]'],
    ['a patch without text', trace([[0, 0]]), 'txns[0].patches[0]'],
    ['no transactions', '{"startContent":"","endContent":""}', '"txns"'],
    ['no end', '{"startContent":"","txns":[]}', '"endContent"'],
  ])('is refused with the field at fault: %s', (_name, text, named) => {
    expect(() => parseTrace(text)).toThrow(named);
  });
});

describe('code point positions', () => {
  test('follow random edits of text with characters outside the basic plane', () => {
    const character = fc.constantFrom('a', 'é', '漢', '😀', '𝒜');
    const edit = fc.record({ at: fc.nat(), deleted: fc.nat(5), inserted: fc.array(character, { maxLength: 6 }) });
    fc.assert(
      fc.property(fc.array(character), fc.array(edit, { maxLength: 30 }), (start, edits) => {
        let text = start;
        const index = new CodePointIndex(text.join(''));
        for (const { at, deleted, inserted } of edits) {
          const position = at % (text.length + 1);
          const gone = Math.min(deleted, text.length - position);
          expect(index.utf16(position)).toBe(text.slice(0, position).join('').length);
          index.replace(position, gone, inserted.join(''));
          text = [...text.slice(0, position), ...inserted, ...text.slice(position + gone)];
        }
        expect(index.utf16(text.length)).toBe(text.join('').length);
        expect(codePointLength(text.join(''))).toBe(text.length);
      }),
    );
  });
});
