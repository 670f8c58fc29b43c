// Options of what all spaces of one tenant may take together.
import { fixed, type OptionSpec } from './option-spec.js';
import { MIB } from './units.js';

export const LIMITS_OF_TENANT = {
  'limits.tenant-spaces-max': {
    ...fixed,
    group: 'admission',
    type: 'integer',
    default: 0,
    min: 0,
    max: 100_000,
    doc: 'Spaces one tenant may found; 0 is no limit.',
  },
  'limits.tenant-entries-max': {
    ...fixed,
    group: 'admission',
    type: 'integer',
    default: 0,
    min: 0,
    max: 1_000_000_000,
    doc: 'Entries the relay holds of all spaces of one tenant at a time; 0 is no limit. What is forgotten makes room.',
  },
  'limits.tenant-bytes-max': {
    ...fixed,
    group: 'admission',
    type: 'size',
    default: 0,
    min: 0,
    max: 1024 * 1024 * MIB,
    doc: 'Sealed bytes of those entries; 0B is no limit.',
  },
  'limits.tenant-connections-max': {
    ...fixed,
    group: 'admission',
    type: 'integer',
    default: 0,
    min: 0,
    max: 1_000_000,
    doc: 'Sessions of all spaces of one tenant at a time; 0 is no limit.',
  },
  'limits.tenant-pushes-per-second': {
    ...fixed,
    group: 'admission',
    type: 'integer',
    default: 0,
    min: 0,
    max: 10_000_000,
    doc: 'Pushes of all sessions of one tenant in a second, all of them at once at most; 0 is no limit.',
  },
} as const satisfies Record<string, OptionSpec>;
