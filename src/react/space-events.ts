// Events that spaces of both kinds have.
import type { Space } from '../client/index.js';
import type { AnySpace } from './provider.js';

/** Of two generic methods the compiler makes no one. A space in tabs tells with `devices` what another tells with `roster` too; names that it does not have are never told. */
export const eventsOf = (space: Pick<AnySpace, 'on'>): Pick<Space, 'on'> => space as Pick<Space, 'on'>;
