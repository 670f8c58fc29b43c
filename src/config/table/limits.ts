// Options of how much of a thing there may be.
import { fixed, type OptionSpec } from './option-spec.js';
import { MIB } from './units.js';

export const LIMITS = {
  'limits.connections-max': {
    ...fixed,
    group: 'limits',
    type: 'integer',
    default: 10_000,
    min: 1,
    max: 1_000_000,
    doc: 'Connections open at the same time; further ones are refused with a time to come back.',
  },
  'limits.entry-size-max': {
    ...fixed,
    group: 'limits',
    type: 'size',
    default: 10 * MIB,
    min: 1024,
    max: 64 * MIB,
    doc: 'Largest sealed entry.',
  },
  'limits.push-entries-max': {
    ...fixed,
    group: 'limits',
    type: 'integer',
    default: 1024,
    min: 1,
    max: 4096,
    doc: 'Most entries in one push.',
  },
  'limits.push-in-flight-max': {
    ...fixed,
    group: 'limits',
    type: 'size',
    default: 16 * MIB,
    min: 1 * MIB,
    max: 1024 * MIB,
    doc: 'Pushed bytes of one connection that may wait for the disk; beyond it the relay stops reading from that connection.',
  },
  'limits.assembly-max': {
    ...fixed,
    group: 'limits',
    type: 'size',
    default: 256 * MIB,
    min: 16 * MIB,
    max: 64 * 1024 * MIB,
    doc: 'Memory of the whole process for partly received messages; who needs more is disconnected.',
  },
  'limits.ephemeral-rate-max': {
    ...fixed,
    group: 'limits',
    type: 'integer',
    default: 2000,
    min: 1,
    max: 10_000_000,
    doc: 'Ephemeral frames of one session in a second; more are refused.',
  },
} as const satisfies Record<string, OptionSpec>;
