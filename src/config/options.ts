// The one table of options. Flags, environment variables, keys of the configuration file, `--help`, the reference page,
// `.env.example`, the JSON schema and the Config type all come from here; nothing else in the project knows a default.
//
// Key `a.b-c` is flag `--a.b-c`, environment variable `RELAY_A_B_C`, and key `b-c` below `a` in a file.
import { DEFAULT_REGIONS, type Region } from './regions.js';

const SECOND_MS = 1000;
const DAY_MS = 24 * 60 * 60 * SECOND_MS;
const MIB = 1024 * 1024;

interface Common {
  /** Section of the help text. */
  readonly group: 'listening' | 'storage' | 'limits' | 'time' | 'process' | 'place';
  /** One sentence, full stop included. */
  readonly doc: string;
  /** True: never printed, logged or put into a document, and no flag, because other users see the flags of a process. */
  readonly secret: boolean;
  /** True: can change without a restart. */
  readonly reloadable: boolean;
}

interface TextOption extends Common {
  readonly type: 'text';
  readonly default: string;
}
interface PathOption extends Common {
  readonly type: 'path';
  readonly default: string;
}
interface ChoiceOption extends Common {
  readonly type: 'choice';
  readonly choices: readonly string[];
  readonly default: string;
}
interface BooleanOption extends Common {
  readonly type: 'boolean';
  readonly default: boolean;
}
/** A list in a file; the same list as JSON text in a flag or the environment. */
interface RegionsOption extends Common {
  readonly type: 'regions';
  readonly default: readonly Region[];
}
/** 0 asks the system for a free port. */
interface PortOption extends Common {
  readonly type: 'port';
  readonly default: number;
}
/** A port, or `off`, which is null. */
interface PortOrOffOption extends Common {
  readonly type: 'port-or-off';
  readonly default: number | null;
}
interface NumberOption extends Common {
  /** integer: a plain count; duration: milliseconds, written `30s`; size: bytes, written `10MiB`. */
  readonly type: 'integer' | 'duration' | 'size';
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

export type OptionSpec = TextOption | PathOption | ChoiceOption | BooleanOption | RegionsOption | PortOption | PortOrOffOption | NumberOption;
export type OptionValue = OptionSpec['default'];
export type OptionTable = Readonly<Record<string, OptionSpec>>;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

const fixed = { secret: false, reloadable: false } as const;
const reloadable = { secret: false, reloadable: true } as const;

export const OPTIONS = {
  host: {
    ...fixed,
    group: 'listening',
    type: 'text',
    default: '127.0.0.1',
    doc: 'Address the relay listens on. Anything but a loopback address needs `insecure`, because the relay cannot speak TLS yet.',
  },
  port: {
    ...fixed,
    group: 'listening',
    type: 'port',
    default: 8080,
    doc: 'Port the relay listens on; 0 takes a free one.',
  },
  insecure: {
    ...fixed,
    group: 'listening',
    type: 'boolean',
    default: false,
    doc: 'Allows `host` to be reached from other machines without TLS. Entries stay sealed; the network sees space ids, device keys, sizes, times and session tokens.',
  },
  'admin.host': {
    ...fixed,
    group: 'listening',
    type: 'text',
    default: '127.0.0.1',
    doc: 'Address of the admin listener (metrics, live figures). Only loopback addresses are accepted.',
  },
  'admin.port': {
    ...fixed,
    group: 'listening',
    type: 'port-or-off',
    default: 9090,
    doc: 'Port of the admin listener; 0 takes a free one, `off` starts none.',
  },
  'data-dir': {
    ...fixed,
    group: 'storage',
    type: 'path',
    default: './relay-data',
    doc: 'Directory that holds the log, the relay key and the metadata. It is made when missing.',
  },
  retention: {
    ...fixed,
    group: 'storage',
    type: 'duration',
    default: 30 * DAY_MS,
    min: 60 * SECOND_MS,
    max: 3650 * DAY_MS,
    doc: 'How long an entry is kept when the devices of its space have not all acknowledged it.',
  },
  'device-lease': {
    ...fixed,
    group: 'storage',
    type: 'duration',
    default: 30 * DAY_MS,
    min: 60 * SECOND_MS,
    max: 3650 * DAY_MS,
    doc: 'How long after its last contact a device is still waited for before entries are forgotten.',
  },
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
  'handshake-timeout': {
    ...fixed,
    group: 'time',
    type: 'duration',
    default: 10 * SECOND_MS,
    min: 100,
    max: 300 * SECOND_MS,
    doc: 'How long a new connection may take until its session is open.',
  },
  heartbeat: {
    ...fixed,
    group: 'time',
    type: 'duration',
    default: 30 * SECOND_MS,
    min: 100,
    max: 600 * SECOND_MS,
    doc: 'Period of the heartbeat; a connection silent for two periods is closed.',
  },
  'push-wait': {
    ...fixed,
    group: 'time',
    type: 'duration',
    default: 5,
    min: 1,
    max: 60 * SECOND_MS,
    doc: 'How long a push may be expected to wait for its commit when more than 1,024 pushes wait; beyond it pushes are refused as `busy`, with a time to come back.',
  },
  'drain-time': {
    ...reloadable,
    group: 'time',
    type: 'duration',
    default: 10 * SECOND_MS,
    min: 0,
    max: 600 * SECOND_MS,
    doc: 'How long a stopping relay waits for clients to leave before it closes their connections.',
  },
  'log.level': {
    ...reloadable,
    group: 'process',
    type: 'choice',
    choices: LOG_LEVELS,
    default: 'info',
    doc: 'Lowest level that is logged.',
  },
  workers: {
    ...fixed,
    group: 'process',
    type: 'integer',
    default: 0,
    min: 0,
    max: 256,
    doc: 'Threads that move data; 0 is one per processor.',
  },
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

export type OptionKey = keyof typeof OPTIONS;
export const OPTION_KEYS = Object.keys(OPTIONS) as OptionKey[];

type ValueOf<S> = S extends { type: 'choice'; choices: readonly (infer C)[] }
  ? C
  : S extends { type: 'text' | 'path' }
    ? string
    : S extends { type: 'boolean' }
      ? boolean
      : S extends { type: 'regions' }
        ? readonly Region[]
        : S extends { type: 'port-or-off' }
          ? number | null
          : number;

/** The validated configuration: every option, by key. */
export type Config = { readonly [K in OptionKey]: ValueOf<(typeof OPTIONS)[K]> };

export function flagOf(key: string): string {
  return `--${key}`;
}

export function envOf(key: string): string {
  return `RELAY_${key.replaceAll(/[.-]/g, '_').toUpperCase()}`;
}
