// Disks whose power can be cut: files on an XFS that can clone them, each with a file system of its own on a loop device. A clone
// (`cp --reflink`) takes the file's lock, so it is the disk as it was between two of its writes: what a power cut leaves.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** File systems that the product is run on. */
export const FILE_SYSTEMS = ['ext4', 'xfs', 'btrfs'] as const;
export type FileSystem = (typeof FILE_SYSTEMS)[number];

const MIB = 1 << 20;
/** Holes take no room: a disk needs what was written to it. */
const OUTER_BYTES = 12 * 1024 * MIB;
const DISK_BYTES = 1024 * MIB;
const PREFIX = 'sealrelay-cut-';
const COMMAND_MS_MAX = 60_000;
const UNMOUNT_TRIES = 40;

const MAKE: Readonly<Record<FileSystem, readonly string[]>> = {
  ext4: ['mkfs.ext4', '-q', '-F'],
  // A loop device past the page cache may have blocks as large as this.
  xfs: ['mkfs.xfs', '-q', '-f', '-s', 'size=4096'],
  btrfs: ['mkfs.btrfs', '-q', '-f'],
};
/** A clone has the id of what it was cloned from; only XFS minds. */
const OPTIONS: Readonly<Record<FileSystem, string>> = { ext4: 'rw', xfs: 'nouuid', btrfs: 'rw' };

const run = promisify(execFile);

function call(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', timeout: COMMAND_MS_MAX, stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

function isThere(command: string): boolean {
  return ['/sbin', '/usr/sbin', '/bin', '/usr/bin'].some((dir) => existsSync(join(dir, command)));
}

/** Why it cannot be done with this file system here, or null. */
export function missingFor(kind: FileSystem): string | null {
  if (process.platform !== 'linux') return 'needs loop devices of Linux';
  if (process.getuid?.() !== 0) return 'needs root, to mount';
  const command = ['mkfs.xfs', `mkfs.${kind}`, 'losetup'].find((name) => !isThere(name));
  return command === undefined ? null : `needs ${command}`;
}

/** A disk's image. */
export interface Disk {
  readonly kind: FileSystem;
  readonly image: string;
}

/** A disk in use. */
export interface MountedDisk {
  readonly dir: string;
  unmount(): Promise<void>;
}

/** The file system that holds the disks, in a directory of its own; `close` leaves nothing behind. */
export class LoopDisks {
  readonly #dir: string;
  readonly #outer: string;
  readonly #mounted = new Set<MountedDisk>();
  readonly #templates = new Map<FileSystem, string>();
  #disks = 0;

  private constructor(dir: string) {
    this.#dir = dir;
    this.#outer = join(dir, 'outer');
  }

  /** Makes it, or says what this machine does not permit. */
  static open(): LoopDisks | string {
    sweep();
    const disks = new LoopDisks(mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`)));
    try {
      const image = join(disks.#dir, 'outer.img');
      makeImage(image, OUTER_BYTES);
      mkdirSync(disks.#outer);
      call('mkfs.xfs', '-q', '-f', '-m', 'reflink=1', image);
      call('mount', '-o', 'loop', image, disks.#outer);
      return disks;
    } catch (cause) {
      takeDown(disks.#dir);
      return `no loop device with a reflink XFS: ${firstLine(cause)}`;
    }
  }

  /** An empty disk. */
  async make(kind: FileSystem): Promise<Disk> {
    let template = this.#templates.get(kind);
    if (template === undefined) {
      template = join(this.#outer, `empty.${kind}`);
      makeImage(template, DISK_BYTES);
      const [command = '', ...args] = MAKE[kind];
      call(command, ...args, template);
      this.#templates.set(kind, template);
    }
    return this.cut({ kind, image: template });
  }

  /** The disk as a power cut at this moment leaves it. */
  async cut(disk: Disk): Promise<Disk> {
    this.#disks += 1;
    const image = join(this.#outer, `${this.#disks}.${disk.kind}`);
    await run('cp', ['--reflink=always', disk.image, image], { timeout: COMMAND_MS_MAX });
    return { kind: disk.kind, image };
  }

  /** Puts it to use; the journal is replayed. */
  mount({ kind, image }: Disk): MountedDisk {
    const dir = join(this.#dir, `${image.split('/').at(-1)}`);
    mkdirSync(dir, { recursive: true });
    // Past the page cache: what the file system on it flushes is in the file.
    const device = call('losetup', '--find', '--show', '--direct-io=on', image);
    try {
      call('mount', '-t', kind, '-o', OPTIONS[kind], device, dir);
    } catch (cause) {
      call('losetup', '--detach', device);
      throw cause;
    }
    const mounted = {
      dir,
      unmount: async () => {
        if (!this.#mounted.delete(mounted)) return;
        await unmount(dir);
        call('losetup', '--detach', device);
        // Else the kernel takes the next clone for the same disk.
        if (kind === 'btrfs') call('btrfs', 'device', 'scan', '--forget');
      },
    };
    this.#mounted.add(mounted);
    return mounted;
  }

  remove({ image }: Disk): void {
    unlinkSync(image);
  }

  /** Copies an image to where it stays. */
  keep({ image, kind }: Disk, dir: string): void {
    mkdirSync(dir, { recursive: true });
    call('cp', '--sparse=always', image, join(dir, `${Date.now()}.${kind}`));
  }

  async close(): Promise<void> {
    for (const mounted of this.#mounted) await mounted.unmount().catch(() => undefined);
    takeDown(this.#dir);
  }
}

function makeImage(path: string, bytes: number): void {
  writeFileSync(path, '');
  truncateSync(path, bytes);
}

/** A process that was killed a moment ago may hold it still. */
async function unmount(dir: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await run('umount', [dir], { timeout: COMMAND_MS_MAX });
      return;
    } catch (cause) {
      if (tries >= UNMOUNT_TRIES) throw cause;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

function firstLine(cause: unknown): string {
  const stderr = typeof cause === 'object' && cause !== null && 'stderr' in cause ? String(cause.stderr) : String(cause);
  return stderr.trim().split('\n')[0] ?? '';
}

/** Unmounts, detaches and removes everything of one directory, whatever state it is in. */
function takeDown(dir: string): void {
  const attempt = (command: string, ...args: readonly string[]): string => {
    try {
      return call(command, ...args);
    } catch {
      // It was not there any more, or is left to the next sweep.
      return '';
    }
  };
  // Listed before anything is unmounted: a file of a file system that is gone has no path.
  const devices = attempt('losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE').split('\n').flatMap((line) => {
    const [device = '', file = ''] = line.trim().split(/\s+/);
    return file.startsWith(`${dir}/`) ? [device] : [];
  });
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n').flatMap((line) => line.split(' ')[1] ?? []);
  for (const mount of mounts.filter((mount) => mount.startsWith(`${dir}/`)).toReversed()) attempt('umount', '--lazy', mount);
  for (const device of devices) attempt('losetup', '--detach', device);
  rmSync(dir, { recursive: true, force: true });
}

/** Takes down what a run that was killed left behind. */
function sweep(): void {
  for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX))) {
    const pid = Number(name.slice(PREFIX.length).split('-')[0]);
    if (!existsSync(`/proc/${pid}`)) takeDown(join(tmpdir(), name));
  }
}
