// A file system of its own in a file, so that deleted files and free space can be searched byte by byte.
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';

const IMAGE_BYTES = 1024 * 1024 * 1024;
const COMMAND_MS_MAX = 60_000;

export interface RawImage {
  readonly path: string;
  /** Where it is mounted. */
  readonly mountedAt: string;
  /** Everything is written back; the mount is gone. */
  unmount(): void;
}

/** The image, or why this machine permits none. */
export function mountImage(dir: string): RawImage | string {
  if (process.platform !== 'linux') return 'needs loop devices of Linux';
  const path = join(dir, 'image');
  const mountedAt = join(dir, 'mounted');
  mkdirSync(mountedAt, { recursive: true });
  const file = openSync(path, 'w');
  ftruncateSync(file, IMAGE_BYTES);
  closeSync(file);
  for (const [command, ...args] of [['mkfs.ext4', '-q', '-F', path], ['mount', '-o', 'loop', path, mountedAt]] as const) {
    const { status, error, stderr } = spawnSync(command, args, { timeout: COMMAND_MS_MAX, encoding: 'utf8' });
    if (status !== 0) return `${command}: ${error?.message ?? stderr.trim().split('\n')[0] ?? `exit code ${status}`}`;
  }
  let mounted = true;
  return {
    path,
    mountedAt,
    unmount() {
      if (mounted) spawnSync('umount', [mountedAt], { timeout: COMMAND_MS_MAX });
      mounted = false;
    },
  };
}
