// How much of the disk under the data directory is free, looked at once in a while.
import { statfs } from 'node:fs/promises';

export interface Space {
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

export class DiskSpace {
  #space: Space | null = null;
  #isLooking = false;

  /** What was found last, or null. */
  get space(): Space | null {
    return this.#space;
  }

  get freePercent(): number | null {
    return this.#space === null || this.#space.sizeBytes === 0 ? null : (100 * this.#space.freeBytes) / this.#space.sizeBytes;
  }

  /** A file system that hangs is asked once only. */
  async look(path: string): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const { bavail, blocks, bsize } = await statfs(path);
      this.#space = { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
    } catch {
      this.#space = null;
    } finally {
      this.#isLooking = false;
    }
  }
}
