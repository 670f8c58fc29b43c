// The list behind the page: every change is one entry of the space, and of two for one item the later wins.
import { useSyncExternalStore } from 'react';
import { createSpace, guardUnsynced, openSpace } from 'sealrelay/client';
import type { Space } from 'sealrelay/client';
import { httpFallback } from 'sealrelay/client/http';
import { IndexedDbDeviceStore } from 'sealrelay/client/storage';

const NAME = 'todo';

export interface Todo {
  readonly id: string;
  readonly text: string;
  readonly done: boolean;
}

type Stamped = Todo & { readonly time: number };

// The list is the app's own: the SDK keeps the device, and hands on each entry until it was taken.
const stored: readonly Stamped[] = JSON.parse(localStorage.getItem(NAME) ?? '[]');
const known = new Map(stored.map((todo) => [todo.id, todo]));
const listeners = new Set<() => void>();
let shown: readonly Todo[] = stored;

/** Taking the same change twice does no harm. */
function take(todo: Stamped): void {
  if ((known.get(todo.id)?.time ?? 0) >= todo.time) return;
  known.set(todo.id, todo);
  shown = [...known.values()];
  localStorage.setItem(NAME, JSON.stringify(shown));
  for (const listener of listeners) listener();
}

/** What opens the space of this page; null while neither a link nor a relay is known. */
export function openOrCreate(relay: string | null): (() => Promise<Space>) | null {
  const hasLink = location.hash.length > 1;
  if (!hasLink && relay === null) return null;
  return async () => {
    const storage = await IndexedDbDeviceStore.open(NAME);
    const parts = [httpFallback];
    const space = await (hasLink || relay === null ? openSpace({ storage, parts, link: decodeURIComponent(location.hash.slice(1)) }) : createSpace({ storage, parts, relay }));
    if (space.link !== null) location.hash = encodeURIComponent(space.link);
    space.subscribe(({ items }) => items.forEach((bytes) => take(JSON.parse(new TextDecoder().decode(bytes)))));
    guardUnsynced(space);
    return space;
  };
}

/** The list, and the way to change it. */
export function useTodos(space: Space | null): { readonly todos: readonly Todo[]; readonly change: (todo: Todo) => void } {
  const todos = useSyncExternalStore(subscribe, () => shown);
  const change = (todo: Todo): void => {
    const stamped = { ...todo, time: Date.now() };
    take(stamped);
    space?.push(new TextEncoder().encode(JSON.stringify(stamped)));
  };
  return { todos, change };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
