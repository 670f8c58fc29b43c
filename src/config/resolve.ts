// One value for each option: the first layer that has it wins. Everything that is wrong is collected, not only the first.
import { checkAddresses } from './addresses.js';
import { checkAdminToken } from './admin-token.js';
import { checkBind } from './bind.js';
import { checkDestinations } from './destinations.js';
import { checkOrigins } from './origins.js';
import { checkProxies } from './proxies.js';
import { checkAdmission } from './tenants.js';
import { configError, type Finding, type Found, type Origin } from './finding.js';
import { OPTIONS, envOf, type Config, type OptionKey, type OptionSpec, type OptionTable, type OptionValue } from './options.js';
import { checkTls } from './tls.js';
import { formatValue, parseValue } from './values.js';

export type Layer = ReadonlyMap<string, Found>;

export interface Resolved {
  /** Null when a finding is an error. */
  readonly config: Config | null;
  readonly origin: Readonly<Record<OptionKey, Origin>>;
  readonly findings: readonly Finding[];
}

const DEFAULT_ORIGIN: Origin = { label: 'default', place: null };

/** Takes the layers in order of precedence. */
export function resolveConfig(layers: readonly Layer[]): Resolved {
  const { values, origin, findings } = resolveTable(OPTIONS, layers);
  const originOf = (key: string): Origin => origin[key] ?? DEFAULT_ORIGIN;
  const config = values as Config;
  const all = [
    ...findings,
    ...checkBind(config, originOf),
    ...checkTls(config, originOf),
    ...checkProxies(config, originOf),
    ...checkOrigins(config, originOf),
    ...checkAdminToken(config, originOf('admin.token')),
    ...checkAdmission(config, originOf),
    ...checkDestinations(config, originOf),
    ...checkAddresses(config, originOf),
  ];
  return { config: all.length > 0 ? null : config, origin: origin as Record<OptionKey, Origin>, findings: all };
}

interface Values {
  readonly values: Record<string, OptionValue>;
  readonly origin: Record<string, Origin>;
  readonly findings: Finding[];
}

/** The same for any table. */
export function resolveTable(table: OptionTable, layers: readonly Layer[]): Values {
  const values: Record<string, OptionValue> = {};
  const origin: Record<string, Origin> = {};
  const findings: Finding[] = [];
  for (const [key, spec] of Object.entries(table)) {
    const found = layers.map((layer) => layer.get(key)).find((candidate) => candidate !== undefined);
    const parsed = found === undefined ? null : parseValue(spec, found.text);
    if (found !== undefined && parsed?.ok === false) findings.push(badValue(key, spec, found, parsed.expected));
    values[key] = parsed?.ok === true ? parsed.value : spec.default;
    origin[key] = found?.origin ?? DEFAULT_ORIGIN;
  }
  return { values, origin, findings };
}

function badValue(key: string, spec: OptionSpec, { text, alias, origin }: Found, expected: string): Finding {
  const shown = spec.secret || spec.type === 'regions' ? 'the given value' : `"${alias?.given ?? text}"`;
  const example = spec.type === 'regions' ? '' : `, for example ${formatValue(spec, spec.default)}`;
  // A number in the unit of another relay: what its own option takes is no fix for it.
  const unit = alias?.unit?.startsWith('a ') === true ? `${alias.unit}; or set ${envOf(key)} to ` : '';
  return configError(`${origin.label}: ${shown} is not valid for ${key}`, `Give ${unit}${expected}${example}.`, origin.place);
}
