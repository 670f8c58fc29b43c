// Closes what was opened, newest first, each exactly once, also when one of them fails.

export class Closers {
  readonly #closers: (() => Promise<void>)[] = [];

  /** Registers how to close what was just opened. */
  add(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  /** A place to register in later what is to be closed as if it had been opened now. */
  later(): Closers {
    const late = new Closers();
    this.add(() => late.closeAll());
    return late;
  }

  /** Closes everything; throws the first failure after all had their turn. */
  async closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      await close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}
