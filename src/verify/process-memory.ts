// The memory of the running relay: a core image where gdb is there, otherwise read from the stopped process.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { searchFile } from './files.js';
import type { Sink } from './sink.js';

const CORE_MS_MAX = 180_000;
const PIECE_BYTES = 4 * 1024 * 1024;

export interface MemoryOptions {
  readonly pid: number;
  /** For the core image. */
  readonly dir: string;
  /** Without it the process is only stopped and read, which is faster. */
  readonly core: boolean;
}

/** Puts the memory of a process into sinks, or says why it could not. */
export function searchMemory(sinks: readonly Sink[], { pid, dir, core }: MemoryOptions): void {
  if (core && searchCore(sinks, pid, dir)) return;
  try {
    searchStopped(sinks, pid);
  } catch (cause) {
    for (const sink of sinks) sink.skip(`no gcore, and the memory could not be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function searchCore(sinks: readonly Sink[], pid: number, dir: string): boolean {
  const prefix = join(dir, 'core');
  const made = spawnSync('gcore', ['-o', prefix, String(pid)], { stdio: 'ignore', timeout: CORE_MS_MAX });
  const path = `${prefix}.${pid}`;
  try {
    if (made.status !== 0) return false;
    for (const sink of sinks) searchFile(sink, path);
    return true;
  } finally {
    rmSync(path, { force: true });
  }
}

function searchStopped(sinks: readonly Sink[], pid: number): void {
  process.kill(pid, 'SIGSTOP');
  try {
    const memory = openSync(`/proc/${pid}/mem`, 'r');
    try {
      for (const { start, end } of regionsOf(pid)) searchRegion(sinks, memory, start, end);
    } finally {
      closeSync(memory);
    }
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

// What the process wrote: program files mapped read-only hold nothing of its clients.
function regionsOf(pid: number): { readonly start: bigint; readonly end: bigint }[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      return start === undefined || end === undefined || line.includes('[v') ? [] : [{ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) }];
    });
}

function searchRegion(sinks: readonly Sink[], memory: number, start: bigint, end: bigint): void {
  const piece = Buffer.alloc(PIECE_BYTES);
  for (let at = start; at < end; ) {
    const wanted = end - at < BigInt(PIECE_BYTES) ? Number(end - at) : PIECE_BYTES;
    const read = readPiece(memory, piece, wanted, at);
    if (read === 0) return;
    for (const sink of sinks) sink.push(piece.subarray(0, read), start.toString(16));
    at += BigInt(read);
  }
}

// A region that went, or that the kernel does not show, ends there.
function readPiece(memory: number, piece: Buffer, wanted: number, at: bigint): number {
  try {
    return readSync(memory, piece, 0, wanted, at);
  } catch {
    return 0;
  }
}
