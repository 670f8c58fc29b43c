// What is to happen after every commit. A hook that fails is reported and never fails the commit, nor the hooks behind it.

/** A commit that was stored. */
export interface Commit {
  readonly tree: string;
  /** The id of the entry. */
  readonly id: string;
}

/** Called right after a commit was stored; has to return at once. */
export type CommitHook = (commit: Commit) => void;

/** What is to happen after every commit; a hook that fails never fails the commit. */
export class CommitHooks {
  readonly #hooks = new Set<CommitHook>();
  readonly #failed: (cause: unknown, commit: Commit) => void;

  /** `failed` hears what hooks throw. */
  constructor(failed: (cause: unknown, commit: Commit) => void) {
    this.#failed = failed;
  }

  /** Adds a hook; the returned function takes it out. */
  add(hook: CommitHook): () => void {
    this.#hooks.add(hook);
    return () => this.#hooks.delete(hook);
  }

  /** Calls every hook; never throws. */
  run(commit: Commit): void {
    for (const hook of [...this.#hooks]) {
      try {
        hook(commit);
      } catch (cause) {
        this.#report(cause, commit);
      }
    }
  }

  #report(cause: unknown, commit: Commit): void {
    try {
      this.#failed(cause, commit);
    } catch {
      // Whoever listens to failures cannot fail a commit either.
    }
  }
}
