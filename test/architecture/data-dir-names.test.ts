// Every name that a data directory may hold stands in the list of docs/storage.md.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './sources.js';

const SOURCE_DIR = join(ROOT, 'crates/relay-store/src');
/** Where the constants with the names are. */
const SOURCES = ['data_dir.rs', 'segment.rs', 'leaves.rs', 'erase.rs', 'reserve.rs', 'checkpoint.rs', 'cold.rs'];

/** The names of `OWN_NAMES` and `CONTROL_PLANE_NAMES`; those that are constants by what these hold. */
function names(sources: readonly string[]): string[] {
  const constants = new Map(sources.flatMap((text) => [...text.matchAll(/const (\w+): &str = "([^"]*)"/g)].map(([, name = '', value = '']) => [name, value] as const)));
  const lists = sources.flatMap((text) => [...text.matchAll(/const (?:OWN|CONTROL_PLANE)_NAMES: [^=]*= \[([^\]]*)\]/g)].map(([, list = '']) => list));
  const entries = lists.join(',').split(',').map((entry) => entry.trim()).filter((entry) => entry !== '');
  return entries.map((entry) => (entry.startsWith('"') ? entry.slice(1, -1) : (constants.get(entry.split('::').at(-1) ?? '') ?? `${entry}?`)));
}

/** Those with which no line of the page's first list begins, and which none has in parentheses. */
function unlisted(page: string, wanted: readonly string[]): string[] {
  const [, list = ''] = /^```\n(.*?)^```$/ms.exec(page) ?? [];
  const lines = list.split('\n').map((line) => line.trim());
  return wanted.filter((name) => !lines.some((line) => new RegExp(`^${name}(?:/|\\s)`).test(line) || line.includes(`(${name}:`)));
}

describe('the list of what a data directory holds', () => {
  it('has every name that the store knows', () => {
    const wanted = names(SOURCES.map((name) => readFileSync(join(SOURCE_DIR, name), 'utf8')));
    expect(wanted.length).toBeGreaterThan(20);
    expect(unlisted(readFileSync(join(ROOT, 'docs/storage.md'), 'utf8'), wanted)).toEqual([]);
  });

  it('control: a name that is not there is found', () => {
    const source = 'const A: &str = "one";\nconst OWN_NAMES: [&str; 2] = [A, crate::b::B];\nconst CONTROL_PLANE_NAMES: [&str; 1] = ["three"];';
    expect(unlisted('```\ndata/\n  one    first\n  threefold/  another\n```\n', names([source]))).toEqual(['crate::b::B?', 'three']);
  });
});
