import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorFacts } from '../../../src/protocol/error-facts.js';
import { ERRORS, errorName, isErrorName } from '../../../src/protocol/errors.js';

interface Row {
  readonly name: string;
  readonly code: number;
}

const registry = JSON.parse(readFileSync(new URL('../../vectors/errors.json', import.meta.url), 'utf8')) as { readonly errors: readonly Row[] };

describe('the error registry', () => {
  it('equals test/vectors/errors.json, row by row', () => {
    expect(Object.entries(ERRORS).map(([name, row]) => ({ name, ...row }))).toEqual(registry.errors);
  });

  it('finds names by code, and none for unknown ones', () => {
    for (const { name, code } of registry.errors) expect(errorName(code)).toBe(name);
    expect(errorName(65_535)).toBeUndefined();
    expect(isErrorName('read_only')).toBe(true);
    expect(isErrorName('toString')).toBe(false);
  });

  it('is what clients know of it, by code and by name', () => {
    for (const [name, { code, temporary, close }] of Object.entries(ERRORS)) {
      const facts = { name, temporary, closes: close !== 0 };
      expect([errorFacts(code), errorFacts(name)]).toEqual([facts, facts]);
    }
    for (const unknown of [0, 65_535, 'toString', '']) expect(errorFacts(unknown)).toBeUndefined();
  });
});
