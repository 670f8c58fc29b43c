// The list behind `tenants`, and what `admission` needs beside itself.
import { isKeySource } from './key-source.js';
import { configError, type Finding, type Origin } from './finding.js';
import type { Config, OptionKey, OptionSpec } from './options.js';
import { COMPAT } from './table/compat.js';
import { LIMITS_OF_TENANT } from './table/tenants.js';
import { parseValue } from './values.js';

const TENANTS_MAX = 1000;
/** Printable ASCII without a comma or an equals sign. */
export const TENANT_PATTERN = '^[\\x21-\\x2b\\x2d-\\x3c\\x3e-\\x7e]{1,128}$';
const NAME = new RegExp(TENANT_PATTERN);
/** The text of an option that is not set. */
const OFF = 'off';
/** What a tenant's own limits are called in the list, and the options that hold for the others. */
const TERMS = {
  entries: 'limits.tenant-entries-max',
  bytes: 'limits.tenant-bytes-max',
  connections: 'limits.tenant-connections-max',
  pushes: 'limits.tenant-pushes-per-second',
} as const satisfies Record<string, OptionKey>;
const NOT_A_LIST = 'Give any, or names with commas between them, each by itself or with its limits, such as acme=10 bytes=5GiB connections=100,other.';

/** What a tenant may take; 0 is no limit. */
export type TenantLimits = Readonly<Record<keyof typeof TERMS, number>>;

/** What the list says of one tenant; null, or absent, where the general limit holds. */
export interface TenantTerms {
  readonly spaces: number | null;
  readonly limits: Partial<TenantLimits>;
}

/** Listed tenants; null for everyone. */
export type TenantList = ReadonlyMap<string, TenantTerms> | null;

export function isTenant(name: string): boolean {
  return NAME.test(name);
}

/** The limits of those that have none of their own. */
export function generalTenantLimits(config: Config): TenantLimits {
  return { entries: config[TERMS.entries], bytes: config[TERMS.bytes], connections: config[TERMS.connections], pushes: config[TERMS.pushes] };
}

/** Reads `acme=10 bytes=5GiB,other`; undefined when the text is no such list. */
export function parseTenants(text: string): TenantList | undefined {
  if (text === 'any') return null;
  const tenants = new Map<string, TenantTerms>();
  for (const part of text.split(',')) {
    const [tenant = '', ...terms] = part.trim().split(/ +/);
    const [name = '', spaces, ...more] = tenant.split('=');
    const limits = parseTerms(terms);
    if (!isTenant(name) || more.length > 0 || limits === null || (spaces !== undefined && !/^\d{1,6}$/.test(spaces)) || tenants.size >= TENANTS_MAX) return undefined;
    tenants.set(name, { spaces: spaces === undefined ? null : Number(spaces), limits });
  }
  return tenants;
}

function parseTerms(terms: readonly string[]): Partial<TenantLimits> | null {
  const limits: Partial<Record<keyof TenantLimits, number>> = {};
  for (const term of terms) {
    const [name = '', text = '', ...more] = term.split('=');
    if (!isTerm(name) || more.length > 0 || limits[name] !== undefined) return null;
    const spec: OptionSpec = LIMITS_OF_TENANT[TERMS[name]];
    const parsed = parseValue(spec, text);
    if (!parsed.ok || typeof parsed.value !== 'number') return null;
    limits[name] = parsed.value;
  }
  return limits;
}

function isTerm(name: string): name is keyof TenantLimits {
  return Object.hasOwn(TERMS, name);
}

/** Switches that let anybody in. */
const TOKENLESS = (Object.keys(COMPAT) as (keyof typeof COMPAT)[]).filter((key): key is Extract<keyof typeof COMPAT, `${string}-tokenless`> => key.endsWith('-tokenless'));

/** What is wrong with who may found spaces. */
export function checkAdmission(config: Config, origin: (key: OptionKey) => Origin): Finding[] {
  const findings: Finding[] = [];
  const wrong = (key: OptionKey, what: string, hint: string): void => void findings.push(configError(`${origin(key).label}: ${what}`, hint, origin(key).place));
  if (parseTenants(config.tenants) === undefined) wrong('tenants', `"${config.tenants}" is not a list of tenants`, NOT_A_LIST);
  for (const key of config.admission === 'open' ? [] : TOKENLESS) {
    if (config[key] === 'on') wrong(key, `nobody lets in who shows no token, and admission is ${config.admission}`, `Leave --${key} out, or set --admission open.`);
  }
  if (config.admission !== 'jwt') return findings;
  for (const key of ['jwt.keys', 'jwt.issuer', 'jwt.audience'] as const) {
    if (config[key] === OFF) wrong('admission', `admission jwt needs ${key}`, `Set --${key}, or choose another --admission.`);
  }
  if (!isKeySource(config['jwt.keys'])) wrong('jwt.keys', `"${config['jwt.keys']}" is no file and no https URL`, 'Whoever changes the keys on the way lets everybody in; give a file, or a URL that starts with https://.');
  return findings;
}
