// The shim that makes a relay's disk fail, slow or forgetful and its clock wrong: compiled once, steered through a mapped file.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readSync, writeSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const SOURCE = resolve('test/faults/fault-shim.c');
const CONTROL_BYTES = 40;
const AT = { syncErrno: 0, syncDelayMs: 4, clockOffsetMs: 8, syncs: 16, failed: 24, skipSyncs: 32 } as const;
/** errno of a broken disk, on Linux. */
export const EIO = 5;

let library: string | null | undefined;

/** The compiled shim, or null where it cannot be made. */
function compiled(): string | null {
  if (library !== undefined) return library;
  const out = join(mkdtempSync(join(tmpdir(), 'sealrelay-shim-')), 'fault-shim.so');
  const made = process.platform === 'linux' && spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', out, SOURCE, '-ldl']).status === 0;
  library = made ? out : null;
  return library;
}

/** Why the shim cannot be used here, or null. */
export const shimMissing = (): string | null => (compiled() === null ? 'needs Linux and a C compiler' : null);

/** The faults of one relay. */
export class Faults {
  readonly env: Readonly<Record<string, string>>;
  readonly #file: number;

  constructor() {
    const path = join(mkdtempSync(join(tmpdir(), 'sealrelay-faults-')), 'control');
    this.#file = openSync(path, 'w+');
    writeSync(this.#file, Buffer.alloc(CONTROL_BYTES), 0, CONTROL_BYTES, 0);
    this.env = { LD_PRELOAD: compiled() ?? '', SEALRELAY_FAULTS: path };
  }

  failSyncs(errno: number): void {
    this.#write32(AT.syncErrno, errno);
  }

  delaySyncs(ms: number): void {
    this.#write32(AT.syncDelayMs, ms);
  }

  /** For files opened from now on too: nothing is written but when the system likes to. */
  skipSyncs(): void {
    this.#write32(AT.skipSyncs, 1);
  }

  moveClock(ms: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(ms));
    writeSync(this.#file, bytes, 0, 8, AT.clockOffsetMs);
  }

  /** Syncs that went through, and that were failed, since the start. */
  counts(): { syncs: number; failed: number } {
    const bytes = Buffer.alloc(16);
    readSync(this.#file, bytes, 0, 16, AT.syncs);
    return { syncs: Number(bytes.readBigInt64LE(0)), failed: Number(bytes.readBigInt64LE(8)) };
  }

  close(): void {
    closeSync(this.#file);
  }

  #write32(at: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    writeSync(this.#file, bytes, 0, 4, at);
  }
}
