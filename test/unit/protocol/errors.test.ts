import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
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
});
