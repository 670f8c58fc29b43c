// The list behind the page: every change is one entry of the space, and of two for one item the later wins.
import { useSyncExternalStore } from 'react';
import { guardUnsynced } from 'sealrelay/client';
import { openSpaceInTabs } from 'sealrelay/client/tabs';
import type { TabSpace } from 'sealrelay/client/tabs';

const NAME = 'todo';

export interface Todo {
  readonly id: string;
  readonly text: string;
  readonly done: boolean;
}

type Stamped = Todo & { readonly time: number };

// The list is the app's own, and all tabs keep it in one place: the SDK keeps the device, and hands on each entry until it was taken.
const known = new Map<string, Stamped>();
const listeners = new Set<() => void>();
let shown: readonly Todo[] = [];
takeStored();

function takeStored(): void {
  const stored: readonly Stamped[] = JSON.parse(localStorage.getItem(NAME) ?? '[]');
  stored.forEach(take);
}

/** Taking the same change twice does no harm. */
function take(todo: Stamped): void {
  if ((known.get(todo.id)?.time ?? 0) >= todo.time) return;
  known.set(todo.id, todo);
  shown = [...known.values()];
  localStorage.setItem(NAME, JSON.stringify(shown));
  for (const listener of listeners) listener();
}

/** What opens the space of this page, for all tabs of it; null while neither a link nor a relay is known. */
export function openOrCreate(relay: string | null): (() => Promise<TabSpace>) | null {
  const link = decodeURIComponent(location.hash.slice(1));
  if (link === '' && relay === null) return null;
  return async () => {
    const space = await openSpaceInTabs({ name: NAME, create: true, ...(link === '' ? { relay: relay ?? '' } : { link }) });
    if (space.link !== null) location.hash = encodeURIComponent(space.link);
    space.subscribe(({ items }) => items.forEach((bytes) => take(JSON.parse(new TextDecoder().decode(bytes)))));
    // What another tab took before this one listened.
    takeStored();
    guardUnsynced(space);
    return space;
  };
}

/** The list, and the way to change it. */
export function useTodos(space: TabSpace | null): { readonly todos: readonly Todo[]; readonly change: (todo: Todo) => void } {
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
