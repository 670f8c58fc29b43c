// Options of what the relay says about itself: its log and its traces.
import { fixed, reloadable, type OptionSpec } from './option-spec.js';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
const LOG_FORMATS = ['auto', 'json', 'text'] as const;

export const TELLING = {
  'log.level': {
    ...reloadable,
    group: 'observability',
    type: 'choice',
    choices: LOG_LEVELS,
    default: 'info',
    doc: 'Lowest level that is logged.',
  },
  'log.format': {
    ...fixed,
    group: 'observability',
    type: 'choice',
    choices: LOG_FORMATS,
    default: 'auto',
    doc: 'How log lines are written: `json` or `text`; `auto` is text on a terminal and JSON elsewhere. A syslog has a format of its own.',
  },
  'log.to': {
    ...fixed,
    group: 'observability',
    type: 'text',
    default: 'stdout',
    doc: 'Where the log goes: `stdout`, `stderr`, `file:PATH`, `syslog:PATH` (a socket such as /dev/log), `syslog+udp://HOST:PORT` or `syslog+tcp://HOST:PORT`. On a terminal stdout belongs to the banner, with `--json` to its line, and the log goes to stderr.',
  },
  'traces.endpoint': {
    ...fixed,
    group: 'observability',
    type: 'text',
    default: 'off',
    doc: 'OTLP/HTTP endpoint that traces are sent to, such as http://127.0.0.1:4318 (`/v1/traces` is added); `off` traces nothing.',
  },
  'traces.sample': {
    ...fixed,
    group: 'observability',
    type: 'integer',
    default: 1000,
    min: 0,
    max: 1000,
    doc: 'How many of a thousand requests that bring no trace begin one. A trace that a client began is continued when it is sampled.',
  },
} as const satisfies Record<string, OptionSpec>;
