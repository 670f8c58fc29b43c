// Waits for a condition that is looked at again whenever something moved.

export class Waiters {
  readonly #checks = new Set<() => void>();

  /** Something moved: every condition is looked at. */
  wake(): void {
    for (const check of [...this.#checks]) check();
  }

  /** Resolves once the condition holds; rejects with the signal's reason when that comes first. */
  until(reached: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!reached() && !signal.aborted) return;
        this.#checks.delete(check);
        signal.removeEventListener('abort', check);
        if (reached()) resolve();
        else reject(signal.reason as Error);
      };
      this.#checks.add(check);
      signal.addEventListener('abort', check);
      check();
    });
  }
}
