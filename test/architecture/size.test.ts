import { describe, expect, it } from 'vitest';
import { FILE_ALLOW_LIST, FUNCTION_ALLOW_LIST, longFiles, longFunctions } from './size-rules.js';
import { readSources, rustSources, typescriptSources, type Source } from './sources.js';

const isTest = ({ path }: Source): boolean => path.includes('/tests/') || path.includes('/tests.rs');

describe('sizes', () => {
  const sources = [...typescriptSources(), ...rustSources(), ...readSources(['tools'], ['.mjs'])].filter((source) => !isTest(source));

  it('keeps files short; the allow list only shrinks', () => {
    expect(longFiles(sources)).toEqual(FILE_ALLOW_LIST);
  });

  it('keeps functions short; the allow list only shrinks', () => {
    expect(longFunctions(sources)).toEqual(FUNCTION_ALLOW_LIST);
  });
});

describe('control: the rules catch', () => {
  const lines = (count: number, line = 'a();'): string => Array.from({ length: count }, () => line).join('\n');

  it('long files, tests not counted', () => {
    expect(longFiles([{ path: 'a.ts', text: lines(501) }])).toEqual(['a.ts']);
    expect(longFiles([{ path: 'a.rs', text: lines(801) }])).toEqual(['a.rs']);
    expect(longFiles([{ path: 'a.rs', text: `${lines(10)}\n#[cfg(test)]\nmod tests {\n${lines(900)}\n}` }])).toEqual([]);
  });

  it.each([
    ['a.ts', 'export async function f(): Promise<void> {', '}'],
    ['a.ts', '  async method(a: string): Promise<void> {', '  }'],
    ['a.ts', '  #private(): void {', '  }'],
    ['a.rs', 'fn f() {', '}'],
    ['a.rs', '    pub(crate) async fn f(&self) -> u8 {', '    }'],
  ])('a long function in %s: %s', (path, head, end) => {
    expect(longFunctions([{ path, text: `${head}\n${lines(69, '        a();')}\n${end}` }])).toEqual([`${path}: ${head.trim()}`]);
    expect(longFunctions([{ path, text: `${head}\n${lines(68, '        a();')}\n${end}` }])).toEqual([]);
  });
});
