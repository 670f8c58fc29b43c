import { useEffect, useMemo } from 'react';
import { constantStore } from './external-store.js';
import { PresenceStore } from './presence.js';
import type { Present, PresenceSpace } from './presence.js';
import { useSpace } from './provider.js';
import type { AnySpace } from './provider.js';
import { useStore } from './use-store.js';

const NONE: readonly never[] = [];
const NOBODY = constantStore<readonly never[]>(NONE);

/** Tells the other devices a small JSON value, and what they tell. Use it in one place of an app: a device has one presence. The space needs the part `live`. */
export function usePresence<T>(own: T): readonly Present<T>[] {
  const space = useSpace<AnySpace>();
  const store = useMemo(() => (space === null ? null : new PresenceStore<T>(withLive(space))), [space]);
  useEffect(() => store?.say(own));
  return useStore<readonly Present<T>[]>(store ?? NOBODY, NONE);
}

function withLive(space: AnySpace): PresenceSpace {
  if (!('ephemeral' in space)) throw new Error('usePresence needs the part live');
  return space as PresenceSpace;
}
