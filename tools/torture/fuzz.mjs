// The torture run's fuzzing: every target of fuzz/ under libFuzzer with the address sanitizer, begun from the committed corpus.
// A target that crashes, leaks or hangs leaves its input in .build/fuzz, and the line that replays it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BUILD_DIR, ROOT } from '../lib/project.mjs';

/** A target that always crashes, so that a fuzzer which finds nothing is seen. */
const CONTROL = 'control';
const CONTROL_SECONDS = 30;
const INPUT_SECONDS_MAX = 2;
const MEMORY_MIB_MAX = 1024;
const SEED_MAX = 2 ** 31;

/** Why fuzzing cannot run here. */
export function missing() {
  const found = spawnSync('cargo', ['+nightly', 'fuzz', '--version'], { encoding: 'utf8' });
  return found.status === 0 ? null : 'cargo-fuzz or the nightly toolchain is not installed (cargo install cargo-fuzz)';
}

/** @param {string} target */
function build(target) {
  const built = spawnSync('cargo', ['+nightly', 'fuzz', 'build', target], { cwd: ROOT, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`fuzz target ${target} does not build:\n${built.stderr}`);
}

/**
 * @param {string} target
 * @param {number} seconds
 * @param {number} seed
 */
function fuzz(target, seconds, seed) {
  const corpus = join(BUILD_DIR, 'fuzz', target);
  const artifacts = join(BUILD_DIR, 'fuzz', 'artifacts', target);
  for (const dir of [corpus, artifacts]) mkdirSync(dir, { recursive: true });
  const committed = join(ROOT, 'fuzz', 'corpus', target);
  const inputs = target === CONTROL ? [corpus] : [corpus, committed];
  const flags = [`-max_total_time=${seconds}`, `-seed=${1 + (seed % SEED_MAX)}`, `-timeout=${INPUT_SECONDS_MAX}`, `-rss_limit_mb=${MEMORY_MIB_MAX}`, `-artifact_prefix=${artifacts}/`];
  const run = spawnSync('cargo', ['+nightly', 'fuzz', 'run', target, ...inputs, '--', ...flags, '-print_final_stats=1'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 });
  const executed = Number(/stat::number_of_executed_units:\s*(\d+)/.exec(run.stderr)?.[1] ?? 0);
  return { failed: run.status !== 0, executed, replay: `cargo +nightly fuzz run ${target} ${/Test unit written to (\S+)/.exec(run.stderr)?.[1] ?? '(see .build/fuzz)'}` };
}

function main() {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '0' } } });
  const manifest = readFileSync(join(ROOT, 'fuzz', 'Cargo.toml'), 'utf8');
  const targets = readdirSync(join(ROOT, 'fuzz', 'fuzz_targets')).map((file) => file.replace(/\.rs$/, '')).filter((name) => name !== CONTROL && manifest.includes(`name = "${name}"`));
  const seconds = Math.max(1, Math.floor(Number(values.seconds) / targets.length));
  const violations = [];
  let executions = 0;
  for (const target of targets) {
    build(target);
    const result = fuzz(target, seconds, Number(values.seed));
    executions += result.executed;
    console.log(`${target}: ${result.executed} inputs in ${seconds} s${result.failed ? ', FAILED' : ''}`);
    if (result.failed) violations.push({ what: `fuzz target ${target} failed`, replay: result.replay });
  }
  build(CONTROL);
  const control = fuzz(CONTROL, CONTROL_SECONDS, Number(values.seed));
  console.log(JSON.stringify({ counts: { executions, targets: targets.length }, violations, control: { caught: control.failed, what: `a planted fault was ${control.failed ? '' : 'not '}found` } }));
}

if (process.argv[1]?.endsWith('fuzz.mjs')) main();
