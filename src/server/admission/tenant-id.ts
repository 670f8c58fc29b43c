// What a tenant is called on disk and in the core: a hash of its name, so that neither has names of customers.
import { createHash } from 'node:crypto';

const ID_DIGITS = 32;

/** 32 hexadecimal digits: one user of a tenant, or, with null, the tenant itself. */
export function ownerId(tenant: string, user: string | null): string {
  return createHash('sha256').update('sealrelay/v1/owner').update(JSON.stringify([tenant, user])).digest('hex').slice(0, ID_DIGITS);
}

/** 32 hexadecimal digits. */
export function tenantId(name: string): string {
  return createHash('sha256').update('sealrelay/v1/tenant').update(name).digest('hex').slice(0, ID_DIGITS);
}
