// What a tenant is called on disk and in the core: a hash of its name, so that neither has names of customers.
import { createHash } from 'node:crypto';

const ID_DIGITS = 32;

/** 32 hexadecimal digits. */
export function tenantId(name: string): string {
  return createHash('sha256').update('sealrelay/v1/tenant').update(name).digest('hex').slice(0, ID_DIGITS);
}
