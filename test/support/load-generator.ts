// The generator of the benches as a program for tests: it checks every receipt it gets.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const OUTPUT_CHARS_MAX = 64 * 1024;

/** Builds the generator (quick when nothing changed) and returns its path. `torture` is optimised, `dev` is built sooner. */
export async function loadGenerator(profile: 'dev' | 'torture'): Promise<string> {
  // With the whole workspace chosen cargo takes the dependencies that the workspace's tests have compiled already.
  const packages = profile === 'dev' ? ['--workspace', '--bin', 'load'] : ['-p', 'load'];
  const cargo = spawn('cargo', ['build', '--profile', profile, '--locked', '--quiet', ...packages], { stdio: 'inherit' });
  const [code] = (await once(cargo, 'exit')) as [number | null];
  if (code !== 0) throw new Error('the load generator could not be built');
  return resolve('target', profile === 'dev' ? 'debug' : profile, process.platform === 'win32' ? 'load.exe' : 'load');
}

/** Runs it; its last line is its report. */
export async function runGenerator(program: string, args: readonly string[]): Promise<unknown> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => (printed = (printed + chunk.toString('utf8')).slice(-OUTPUT_CHARS_MAX)));
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString('utf8')).slice(-OUTPUT_CHARS_MAX)));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (code !== 0) throw new Error(complaint.trim() || `the generator ended with ${code ?? signal}`);
  return JSON.parse(printed.trimEnd().split('\n').at(-1) ?? '');
}
