import { describe, expect, it } from 'vitest';
import { readSources, rustSources, typescriptSources } from './sources.js';
import { WORD_RULES, checkWords } from './word-rules.js';

describe('forbidden words', () => {
  it('are nowhere in src, crates and tools', () => {
    expect(checkWords([...typescriptSources(), ...rustSources(), ...readSources(['tools'], ['.mjs'])])).toEqual([]);
  });
});

describe('control: the rules catch', () => {
  it.each([
    ['src/server/a.ts', 'const x = unsealEntry(entry);'],
    ['src/client/a.ts', 'decryptAll();'],
    ['crates/relay-core/src/a.rs', 'fn decrypt() {}'],
    ['src/server/a.ts', 'const x: any = 1;'],
    ['src/server/a.ts', 'const x = y as any;'],
    ['src/server/a.ts', 'const x: Map<string, number> = new Map<any, any>();'],
    ['src/server/a.ts', '// @ts-ignore'],
    ['src/server/a.ts', 'enum Kind { A }'],
    ['src/client/a.ts', "console.log('x');"],
    ['src/server/a.ts', "process.env['X'];"],
    ['src/server/a.ts', 'pino.transport({});'],
    ['crates/relay-core/src/a.rs', '// TODO later'],
    ['crates/relay-net/src/a.rs', 'struct GracefulRoute;'],
    ['crates/relay-compat/src/graceful.rs', 'fn plures() {}'],
    ['crates/relay-net/src/a.rs', 'struct GunRoute;'],
    ['crates/relay-net/src/a.rs', 'struct EideticaRoute;'],
  ])('%s: %s', (path, text) => {
    expect(checkWords([{ path, text }])).toHaveLength(1);
  });

  it('and has a case for every rule', () => {
    expect(WORD_RULES).toHaveLength(12);
  });

  it('but lets comments and the right folders be', () => {
    expect(
      checkWords([
        { path: 'src/server/a.ts', text: '// The relay has no unseal.\n/* decrypt */ const a = 1;' },
        { path: 'src/client/crypto/a.ts', text: 'export function unseal() {}' },
        { path: 'crates/relay-net/src/a.rs', text: 'enum Kind { A }' },
      ]),
    ).toEqual([]);
  });
});
