// Typed events. A listener that throws does not keep the others from hearing; its error goes to the reporter.

type Listener<T> = (event: T) => void;

/** Listeners by event name; `M` maps names to event types. */
export class Emitter<M> {
  readonly #listeners = new Map<keyof M, Set<(event: never) => void>>();
  readonly #failed: (cause: unknown) => void;

  constructor(failed: (cause: unknown) => void) {
    this.#failed = failed;
  }

  /** Calls the listener for every event of that name; the returned function ends it. */
  on<K extends keyof M>(name: K, listener: Listener<M[K]>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<K extends keyof M>(name: K, event: M[K]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as Listener<M[K]>)(event);
      } catch (cause) {
        this.#failed(cause);
      }
    }
  }
}
