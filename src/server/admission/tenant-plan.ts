// What the core is told of tenants: the limits that hold for all, and those of the listed ones.
import type { Config } from '../../config/options.js';
import { generalTenantLimits, parseTenants, type TenantLimits, type TenantList } from '../../config/tenants.js';
import type { RelayConfig } from '../../native/relay-port.js';
import { tenantId } from './tenant-id.js';

type CoreLimits = RelayConfig['tenants']['general'];

/** The list of a validated configuration. */
export function tenantList(config: Config): TenantList {
  const list = parseTenants(config.tenants);
  if (list === undefined) throw new Error('a validated configuration has a list of tenants');
  return list;
}

export function tenantPlan(config: Config): RelayConfig['tenants'] {
  const general = generalTenantLimits(config);
  const own = [...(tenantList(config) ?? [])].map(([name, { limits }]) => ({ tenant: tenantId(name), limits: toCore({ ...general, ...limits }) }));
  return { general: toCore(general), own };
}

/** The names that the configuration knows, by id. */
export function tenantNames(config: Config): ReadonlyMap<string, string> {
  return new Map([...(tenantList(config)?.keys() ?? [])].map((name) => [tenantId(name), name]));
}

function toCore({ entries, bytes, connections, pushes }: TenantLimits): CoreLimits {
  return { entriesMax: entries, bytesMax: bytes, connectionsMax: connections, pushesPerSecondMax: pushes };
}
