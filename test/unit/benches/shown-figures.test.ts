// The figures that pages show are those of the baseline, as the bench writes them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Baseline } from '../../../benches/lib/baseline.mjs';
import { shown } from '../../../benches/lib/figures.mjs';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const { rows }: Baseline = JSON.parse(read('benches/baseline.json'));
/** Columns of the table in the README. */
const BESIDE = ['redis', 'postgres', 'sqlite', 'limit'];

/** Every number in a text, with its sign and without separators. */
function numbers(text: string): string[] {
  return [...text.matchAll(/[−-]?\d[\d,]*(?:\.\d+)?/g)].map(([number]) => number.replace('−', '-').replaceAll(',', ''));
}

/** Figures of the baseline that the table of a page lacks, as `row figure value`. */
function missing(page: string, baseline: Baseline['rows']): string[] {
  const [, table = ''] = page.split('| row | ratios (must reach) |');
  const lines = table.split('\n\n')[0]?.split('\n') ?? [];
  return Object.entries(baseline).flatMap(([row, { figures }]) => {
    const seen = numbers(lines.find((line) => line.startsWith(`| \`${row}\` |`)) ?? '');
    return Object.entries(figures).filter(([, value]) => !seen.includes(shown(value))).map(([figure, value]) => `${row} ${figure} ${shown(value)}`);
  });
}

describe('the figures that pages show', () => {
  it('are in benches/README.md those of baseline.json', () => {
    expect(missing(read('benches/README.md'), rows)).toEqual([]);
  });

  it('are in the README those of baseline.json', () => {
    const lines = read('README.md').split('\n').flatMap((line) => {
      const [, row, cells = ''] = /^\| [^|]*\(`([\w-]+)`\) \|(.*)\|$/.exec(line) ?? [];
      return row === undefined ? [] : [{ row, cells: cells.split('|').map((cell) => cell.trim()) }];
    });
    expect(lines.length).toBeGreaterThan(2);
    expect(lines).toEqual(lines.map(({ row }) => ({ row, cells: BESIDE.map((peer) => shown(rows[row]?.figures[`relay.rate/${peer}`] ?? NaN)) })));
  });

  it('control: a figure that is another one is found', () => {
    const measured = { cpu: '', cores: 2, repeats: 3, seconds: 2, on: '' };
    const page = '| row | ratios (must reach) |\n|---|---|\n| `a` | rate ÷ limit 0.97 (≥ 0.85) met; B −167 |\n\n';
    expect(missing(page, { a: { measured, figures: { 'relay.rate/limit': 0.9691, 'relay.bytes': -166.57 } } })).toEqual([]);
    expect(missing(page, { a: { measured, figures: { 'relay.rate/limit': 0.96 } }, b: { measured, figures: { x: 0.97 } } })).toEqual(['a relay.rate/limit 0.96', 'b x 0.97']);
  });
});
