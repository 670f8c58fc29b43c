import { useEffect, useMemo } from 'react';
import { constantStore } from './external-store.js';
import { PresenceStore } from './presence.js';
import type { Present } from './presence.js';
import { useSpace } from './provider.js';
import { useStore } from './use-store.js';

const NONE: readonly never[] = [];
const NOBODY = constantStore<readonly never[]>(NONE);

/** Tells the other devices a small JSON value, and what they tell. Use it in one place of an app: a device has one presence. */
export function usePresence<T>(own: T): readonly Present<T>[] {
  const space = useSpace();
  const store = useMemo(() => (space === null ? null : new PresenceStore<T>(space)), [space]);
  useEffect(() => store?.say(own));
  return useStore<readonly Present<T>[]>(store ?? NOBODY, NONE);
}
