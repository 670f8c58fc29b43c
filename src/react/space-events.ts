// Events that spaces of both kinds have.
import type { Space } from '../client/index.js';
import type { AnySpace } from './provider.js';

/** Calls the listener for every event of one of those names; a space in tabs tells with `devices` what another tells with `roster`. */
export function onEach(space: Pick<Space, 'on'> | Pick<AnySpace, 'on'>, names: readonly ('devices' | 'progress' | 'roster' | 'status' | 'write-state')[], listener: () => void): () => void {
  // Of two generic methods the compiler makes no one; names that a space does not have are never told.
  const stops = names.map((name) => (space as Pick<Space, 'on'>).on(name, listener));
  return () => {
    for (const stop of stops) stop();
  };
}
