// The one table of options. Flags, environment variables, keys of the configuration file, `--help`, the reference page,
// `.env.example`, the JSON schema and the Config type all come from here; nothing else in the project knows a default.
// Its rows stand in `table/`, one file per group.
//
// Key `a.b-c` is flag `--a.b-c`, environment variable `RELAY_A_B_C`, and key `b-c` below `a` in a file.
import type { Region } from './regions.js';
import { ADMIN } from './table/admin.js';
import { ADMISSION } from './table/admission.js';
import { COMPAT } from './table/compat.js';
import { DEMO } from './table/demo.js';
import { LIMITS } from './table/limits.js';
import { LISTENING } from './table/listening.js';
import { OBSERVABILITY } from './table/observability.js';
import { PLACE } from './table/place.js';
import { PROCESS } from './table/process.js';
import { STORAGE } from './table/storage.js';
import { LIMITS_OF_TENANT } from './table/tenants.js';
import { TELLING } from './table/telling.js';
import { TLS } from './table/tls.js';
import { TIME } from './table/time.js';
import type { OptionSpec } from './table/option-spec.js';

export { LOG_LEVELS } from './table/telling.js';
export type { OptionSpec, OptionTable, OptionValue } from './table/option-spec.js';

export const OPTIONS = {
  ...LISTENING,
  ...DEMO,
  ...ADMIN,
  ...ADMISSION,
  ...LIMITS_OF_TENANT,
  ...TLS,
  ...STORAGE,
  ...LIMITS,
  ...TIME,
  ...PROCESS,
  ...TELLING,
  ...OBSERVABILITY,
  ...PLACE,
  ...COMPAT,
} as const satisfies Record<string, OptionSpec>;

export type OptionKey = keyof typeof OPTIONS;
export const OPTION_KEYS = Object.keys(OPTIONS) as OptionKey[];

type ValueOf<S> = S extends { type: 'choice'; choices: readonly (infer C)[] }
  ? C
  : S extends { type: 'text' | 'path' }
    ? string
    : S extends { type: 'text-or-off' | 'path-or-off' }
      ? string | null
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
