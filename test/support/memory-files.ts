// A folder in memory, with the faults a disk can have.
import type { OperationFiles } from '../../src/server/operations/operation-files.js';

export class MemoryFiles implements OperationFiles {
  readonly files = new Map<string, string>();
  /** Every write fails, as on a full disk. */
  failing = false;

  async list(): Promise<string[]> {
    return [...this.files.keys()].toSorted();
  }

  async read(name: string): Promise<string | null> {
    return this.files.get(name) ?? null;
  }

  async append(name: string, text: string): Promise<void> {
    this.#write(name, (this.files.get(name) ?? '') + text);
  }

  async replace(name: string, text: string): Promise<void> {
    this.#write(name, text);
  }

  async overwrite(name: string, text: string): Promise<void> {
    this.#write(name, text);
  }

  async remove(name: string): Promise<void> {
    this.files.delete(name);
  }

  async close(): Promise<void> {
    // Nothing is open.
  }

  #write(name: string, text: string): void {
    if (this.failing) throw new Error('no space left');
    this.files.set(name, text);
  }
}
