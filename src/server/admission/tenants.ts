// Tenants: which may found spaces, how many, and how many they founded. Their names are on disk as hashes only.
import { join } from 'node:path';
import { isTenant, type TenantList } from '../../config/tenants.js';
import { addClaim } from './claims-file.js';
import { REFUSED, type FoundingVerdict } from './founding-judge.js';
import { InTurn } from './in-turn.js';
import { ownerId, tenantId } from './tenant-id.js';

/** Foundings of one tenant that are remembered at all. */
const FOUNDINGS_MAX = 100_000;

export interface TenantOptions {
  readonly dataDir: string;
  readonly list: TenantList;
  /** 0: no limit. */
  readonly spacesMax: number;
}

export class Tenants {
  readonly #options: TenantOptions;
  readonly #turn = new InTurn();

  constructor(options: TenantOptions) {
    this.#options = options;
  }

  /** Who brings a token of a user of a tenant. */
  owner(tenant: string, user: string | null): FoundingVerdict {
    return this.#isServed(tenant) ? { kind: 'admitted', tenant: ownerId(tenant, user) } : REFUSED;
  }

  #isServed(tenant: string): boolean {
    return isTenant(tenant) && this.#options.list?.has(tenant) !== false;
  }

  /** Counts one founding of a tenant; `granted` is what its token says that it may have. */
  async found(tenant: string, granted: number | null, claim: string): Promise<FoundingVerdict> {
    const { list, spacesMax, dataDir } = this.#options;
    if (!this.#isServed(tenant)) return REFUSED;
    // What the operator wrote for this tenant comes before what its token says.
    const allowed = list?.get(tenant)?.spaces ?? granted ?? (spacesMax === 0 ? FOUNDINGS_MAX : spacesMax);
    const id = tenantId(tenant);
    const path = join(dataDir, 'admission', 'tenants', `${id}.claims`);
    const { isIn, used } = await this.#turn.run(() => addClaim(path, claim, Math.min(allowed, FOUNDINGS_MAX)));
    return isIn ? { kind: 'admitted', tenant: id } : { kind: 'exceeded', used, allowed };
  }
}
