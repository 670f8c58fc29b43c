// The shape of everything the hooks read, and how to make one out of events.
/** What `useSyncExternalStore` reads: the snapshot is the same object until something changes. */
export interface ExternalStore<T> {
  subscribe(listener: () => void): () => void;
  getSnapshot(): T;
}

/** Never changes: for what is not there (yet). */
export const constantStore = <T>(value: T): ExternalStore<T> => ({ subscribe: () => () => undefined, getSnapshot: () => value });

/** A store whose value is computed from its source; equal values keep their identity. One source is watched, however many listen; `watch` gives what ends that. */
export function derivedStore<T>(watch: (changed: () => void) => readonly (() => unknown)[], compute: () => T): ExternalStore<T> {
  const listeners = new Set<() => void>();
  let last: { readonly value: T; readonly text: string } | undefined;
  let stops: readonly (() => unknown)[] | undefined;
  const getSnapshot = (): T => {
    const value = compute();
    const text = JSON.stringify(value);
    if (last?.text !== text) last = { value, text };
    return last.value;
  };
  const changed = (): void => {
    const before = last?.value;
    if (getSnapshot() !== before) for (const listener of [...listeners]) listener();
  };
  return {
    getSnapshot,
    subscribe(listener) {
      const entry = (): void => listener();
      listeners.add(entry);
      // What changes from here on is told.
      getSnapshot();
      stops ??= watch(changed);
      return () => {
        listeners.delete(entry);
        if (listeners.size > 0) return;
        stops?.forEach((stop) => stop());
        stops = undefined;
      };
    },
  };
}

/** One store for each object, shared by all components that ask for it. */
export function storeOf<K extends object, T>(make: (key: K) => ExternalStore<T>): (key: K) => ExternalStore<T> {
  const stores = new WeakMap<K, ExternalStore<T>>();
  return (key) => {
    const store = stores.get(key) ?? make(key);
    stores.set(key, store);
    return store;
  };
}
