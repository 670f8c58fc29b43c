// Options of the place of this relay among others.
import { DEFAULT_REGIONS } from '../regions.js';
import { reloadable, type OptionSpec } from './option-spec.js';

export const PLACE = {
  region: {
    ...reloadable,
    group: 'place',
    type: 'text',
    default: 'local',
    doc: 'Id of the region this relay is in, as /health says it.',
  },
  regions: {
    ...reloadable,
    group: 'place',
    type: 'regions',
    default: DEFAULT_REGIONS,
    doc: 'The regions that /regions lists, each with id, name, location and, when it can be used, endpoint.',
  },
  environment: {
    ...reloadable,
    group: 'place',
    type: 'text',
    default: 'production',
    doc: 'Name of the environment this relay belongs to, as /version says it.',
  },
} as const satisfies Record<string, OptionSpec>;
