// Child processes: pinned to cores where that is possible, started with a wait for what they print, ended by their id.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ToolError } from '../../tools/lib/project.mjs';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 8000;
const LINES_KEPT = 20;
const OUTPUT_CHARS_MAX = 64 * 1024;

/** Exit code of the generator when what is asked for is not there: a row is skipped, and nothing has failed. */
const ABSENT_CODE = 3;

/** Something is not here to be measured; the message says why. */
export class Absent extends Error {}

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */
/** @typedef {{pid: number, found: string, isRunning: () => boolean, stop: () => Promise<void>}} Server */

/** @type {Set<ChildProcess>} */
const running = new Set();

/** Whether `taskset` can pin a process to these cores. */
export function canPin(/** @type {string} */ cores) {
  return spawnSync('taskset', ['-c', cores, 'true'], { stdio: 'ignore' }).status === 0;
}

/**
 * @param {string | null} cores
 * @param {string[]} command
 */
function start(cores, command, input = false) {
  const [program = '', ...args] = cores === null ? command : ['taskset', '-c', cores, ...command];
  const child = spawn(program, args, { stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Ends whatever still runs; for an interrupted run. */
export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

/**
 * Starts a server and waits for a line that matches; the first group of the pattern is what was found.
 * @param {string | null} cores
 * @param {string[]} command
 * @param {RegExp} pattern
 * @param {{input?: boolean}} [options]  input: it gets one that stays open until it is stopped
 * @returns {Promise<Server>}
 */
export async function startServer(cores, command, pattern, { input = false } = {}) {
  const child = start(cores, command, input);
  const found = await firstMatch(child, command.join(' '), pattern);
  return { pid: child.pid ?? 0, found, isRunning: () => isRunning(child), stop: () => stop(child) };
}

/**
 * @param {ChildProcess} child
 * @param {string} name
 * @param {RegExp} pattern
 * @returns {Promise<string>}
 */
function firstMatch(child, name, pattern) {
  /** @type {string[]} */
  const printed = [];
  return new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ why) => {
      child.kill('SIGKILL');
      reject(new ToolError([`${name}: ${why}`, ...printed].join('\n  ')));
    };
    const timer = setTimeout(() => fail(`no address after ${START_MS_MAX} ms`), START_MS_MAX);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      fail(`ended before it served (${code ?? signal})`);
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        const [, found] = pattern.exec(line) ?? [];
        if (found !== undefined) {
          clearTimeout(timer);
          resolve(found);
        }
        printed.push(line);
        if (printed.length > LINES_KEPT) printed.shift();
      });
    }
  });
}

/** @param {ChildProcess} child */
function isRunning(child) {
  return child.exitCode === null && child.signalCode === null;
}

/** @param {ChildProcess} child */
async function stop(child) {
  if (!isRunning(child)) return;
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

/**
 * Runs a program whose last line is JSON of a shape that the caller knows.
 * @template T
 * @param {string | null} cores
 * @param {string[]} command
 * @param {number} timeoutMs
 * @returns {Promise<T>}
 */
export async function runForJson(cores, command, timeoutMs) {
  const child = start(cores, command);
  let output = '';
  let complaint = '';
  child.stdout?.on('data', (/** @type {Buffer} */ chunk) => {
    if (output.length < OUTPUT_CHARS_MAX) output += chunk.toString('utf8');
  });
  child.stderr?.on('data', (/** @type {Buffer} */ chunk) => {
    if (complaint.length < OUTPUT_CHARS_MAX) complaint += chunk.toString('utf8');
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  if (code === ABSENT_CODE) throw new Absent(complaint.trim());
  if (code !== 0) throw new ToolError(complaint.trim() || `the generator ended with ${code ?? signal}`);
  return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
}
