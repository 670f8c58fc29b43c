// The fuzz targets need a nightly compiler, so nothing here compiles them. All they do is to call a body that the crates' own tests run
// over the corpus; this finds the call whose body is gone, and the target that nobody runs.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const FUZZ = resolve('fuzz');
/** Finds nothing but what was planted. */
const CONTROL = 'control';
const CALL = /^libfuzzer_sys::fuzz_target!\(\|data: &\[u8\]\| (?:assert!\()?([a-z_]+)::(?:[a-z_]+::)*([a-z_]+)\(data\)\)?\);$/m;

const targets = readdirSync(join(FUZZ, 'fuzz_targets')).map((file) => file.replace(/\.rs$/, '')).filter((name) => name !== CONTROL);

function bodiesOf(crate: string): string[] {
  const src = crate === 'sealrelay_fuzz' ? join(FUZZ, 'src') : resolve('crates', crate.replace('_', '-'), 'src');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.rs'));
  return files.flatMap((file) => [...readFileSync(join(src, file), 'utf8').matchAll(/pub fn ([a-z_]+)\(\w+: &\[u8\]\)/g)].map(([, name = '']) => name));
}

/** The body that a target calls, or what is wrong with the call. */
function bodyCalled(source: string): string {
  const [, crate, name] = CALL.exec(source) ?? [];
  if (crate === undefined || name === undefined) return 'no call of one body';
  return bodiesOf(crate).includes(name) ? name : `${crate} has no body ${name}`;
}

describe('the fuzz targets', () => {
  it.each(targets)('%s calls a body that there is, has a corpus and is built', (name) => {
    const source = readFileSync(join(FUZZ, 'fuzz_targets', `${name}.rs`), 'utf8');
    expect(source).toContain(`${bodyCalled(source)}(data)`);
    expect(existsSync(join(FUZZ, 'corpus', name))).toBe(true);
    expect(readFileSync(join(FUZZ, 'Cargo.toml'), 'utf8')).toContain(`name = "${name}"\npath = "fuzz_targets/${name}.rs"`);
  });

  it('would be found without their body (control)', () => {
    expect(bodyCalled('libfuzzer_sys::fuzz_target!(|data: &[u8]| assert!(relay_compat::gun::fuzz_nothing(data)));')).toBe('relay_compat has no body fuzz_nothing');
  });
});
