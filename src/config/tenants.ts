// The list behind `tenants`, and what `admission` needs beside itself.
import { isKeySource } from './key-source.js';
import { configError, type Finding, type Origin } from './finding.js';
import type { Config, OptionKey } from './options.js';

const TENANTS_MAX = 1000;
/** Printable ASCII without a comma or an equals sign. */
const NAME = /^[\x21-\x2b\x2d-\x3c\x3e-\x7e]{1,128}$/;
/** The text of an option that is not set. */
const OFF = 'off';

/** Listed tenants with the number of their spaces (null: the general limit); null for everyone. */
export type TenantList = ReadonlyMap<string, number | null> | null;

export function isTenant(name: string): boolean {
  return NAME.test(name);
}

/** Reads `acme,other=10`; undefined when the text is no such list. */
export function parseTenants(text: string): TenantList | undefined {
  if (text === 'any') return null;
  const tenants = new Map<string, number | null>();
  for (const part of text.split(',')) {
    const [name = '', count, ...more] = part.trim().split('=');
    if (!isTenant(name) || more.length > 0 || (count !== undefined && !/^\d{1,6}$/.test(count)) || tenants.size >= TENANTS_MAX) return undefined;
    tenants.set(name, count === undefined ? null : Number(count));
  }
  return tenants;
}

/** What is wrong with who may found spaces. */
export function checkAdmission(config: Config, origin: (key: OptionKey) => Origin): Finding[] {
  const findings: Finding[] = [];
  const wrong = (key: OptionKey, what: string, hint: string): void => void findings.push(configError(`${origin(key).label}: ${what}`, hint, origin(key).place));
  if (parseTenants(config.tenants) === undefined) {
    wrong('tenants', `"${config.tenants}" is not a list of tenants`, 'Give any, or names with commas between them, each by itself or with a number, such as acme,other=10.');
  }
  if (config.admission !== 'jwt') return findings;
  for (const key of ['jwt.keys', 'jwt.issuer', 'jwt.audience'] as const) {
    if (config[key] === OFF) wrong('admission', `admission jwt needs ${key}`, `Set --${key}, or choose another --admission.`);
  }
  if (!isKeySource(config['jwt.keys'])) wrong('jwt.keys', `"${config['jwt.keys']}" is no file and no https URL`, 'Whoever changes the keys on the way lets everybody in; give a file, or a URL that starts with https://.');
  return findings;
}
