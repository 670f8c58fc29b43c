// Invite tokens in the data directory: one file for each token, written once, and one with what it was used for. So the command
// line can make and revoke tokens while a relay runs: only the relay appends to the second file, and a token is revoked by removing both.
import { open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RelayError } from '../../errors.js';
import { makeDirs } from '../data-dirs.js';
import { isMissing } from '../file-errors.js';
import { syncDirectory } from '../sync-directory.js';
import { addClaim, readClaims } from './claims-file.js';
import { ADMITTED, REFUSED, type FoundingJudge, type FoundingVerdict } from './founding-judge.js';
import { InTurn } from './in-turn.js';
import type { Tenants } from './tenants.js';
import { INVITE_ID, matches, newInvite, parseInvite } from './invite-token.js';

/** Tokens kept at a time; those that have expired make room. */
const INVITES_MAX = 10_000;
/** Uses of one token. */
export const INVITE_USES_MAX = 10_000;
export const INVITE_LABEL_CHARS_MAX = 100;

const FILE_SUFFIX = '.json';
const CLAIMS_SUFFIX = '.claims';

/** What is known of a token; never the token itself. */
export interface Invite {
  readonly id: string;
  readonly label: string;
  /** On whose account its spaces are; null for nobody's. */
  readonly tenant: string | null;
  readonly usesMax: number;
  readonly createdAtMs: number;
  /** Null: it does not expire. */
  readonly expiresAtMs: number | null;
}

interface StoredInvite extends Invite {
  readonly hash: string;
}

export interface ListedInvite extends Invite {
  readonly used: number;
}

export interface InviteWish {
  readonly label: string;
  readonly tenant: string | null;
  readonly usesMax: number;
  readonly lifetimeMs: number | null;
}

export class InviteStore implements FoundingJudge {
  readonly #dir: string;
  readonly #clock: () => number;
  readonly #tenants: Pick<Tenants, 'found'> | null;
  readonly #turn = new InTurn();

  /** `dataDir` is the relay's; the clock says Unix milliseconds. Without `tenants` a token of one founds nothing. */
  constructor(dataDir: string, clock: () => number, tenants: Pick<Tenants, 'found'> | null = null) {
    this.#dir = join(dataDir, 'admission', 'invites');
    this.#clock = clock;
    this.#tenants = tenants;
  }

  /** Makes a token, durably; its text is in the answer and nowhere else. */
  async create({ label, tenant, usesMax, lifetimeMs }: InviteWish): Promise<{ readonly token: string; readonly invite: Invite }> {
    return await this.#turn.run(async () => {
      await makeDirs(this.#dir);
      if ((await this.#ids()).length >= INVITES_MAX) await this.#removeExpired();
      const { id, token, hash } = newInvite();
      const now = this.#clock();
      const invite: Invite = { id, label, tenant, usesMax, createdAtMs: now, expiresAtMs: lifetimeMs === null ? null : now + lifetimeMs };
      await this.#write({ ...invite, hash });
      return { token, invite };
    });
  }

  /** All tokens, the newest first. */
  async list(): Promise<readonly ListedInvite[]> {
    const found = await Promise.all((await this.#ids()).map((id) => this.#read(id)));
    const listed = await Promise.all(found.filter((invite) => invite !== null).map((invite) => this.#listed(invite)));
    return listed.toSorted((a, b) => b.createdAtMs - a.createdAtMs);
  }

  async #listed({ id, label, tenant, usesMax, createdAtMs, expiresAtMs }: StoredInvite): Promise<ListedInvite> {
    const used = (await readClaims(this.#path(id, CLAIMS_SUFFIX))).length;
    return { id, label, tenant, usesMax, createdAtMs, expiresAtMs, used };
  }

  /** Removes a token; false when there is none of this id. Spaces it founded stay. */
  async revoke(id: string): Promise<boolean> {
    return await this.#turn.run(async () => {
      if (!INVITE_ID.test(id) || (await this.#read(id)) === null) return false;
      await rm(this.#path(id, FILE_SUFFIX), { force: true });
      await rm(this.#path(id, CLAIMS_SUFFIX), { force: true });
      return true;
    });
  }

  async judge(token: string, claim: string): Promise<FoundingVerdict> {
    const parts = parseInvite(token);
    if (parts === null) return REFUSED;
    return await this.#turn.run(async () => {
      const invite = await this.#read(parts.id);
      if (invite === null || !matches(parts.secret, invite.hash) || this.#hasExpired(invite)) return REFUSED;
      const { isIn } = await addClaim(this.#path(invite.id, CLAIMS_SUFFIX), claim, invite.usesMax);
      if (!isIn) return REFUSED;
      // The use is taken before its tenant is asked: who comes again with the same space uses nothing more up.
      return invite.tenant === null ? ADMITTED : ((await this.#tenants?.found(invite.tenant, null, claim)) ?? REFUSED);
    });
  }

  #hasExpired({ expiresAtMs }: Invite): boolean {
    return expiresAtMs !== null && expiresAtMs <= this.#clock();
  }

  #path(id: string, suffix: string): string {
    return join(this.#dir, id + suffix);
  }

  async #ids(): Promise<string[]> {
    try {
      const names = await readdir(this.#dir);
      return names.filter((name) => name.endsWith(FILE_SUFFIX)).map((name) => name.slice(0, -FILE_SUFFIX.length)).filter((id) => INVITE_ID.test(id));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  async #read(id: string): Promise<StoredInvite | null> {
    try {
      return parseStored(id, await readFile(this.#path(id, FILE_SUFFIX), 'utf8'));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async #write(invite: StoredInvite): Promise<void> {
    const path = this.#path(invite.id, FILE_SUFFIX);
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(invite)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    await syncDirectory(this.#dir);
  }

  async #removeExpired(): Promise<void> {
    const expired = (await this.list()).filter((invite) => this.#hasExpired(invite));
    for (const { id } of expired) {
      await rm(this.#path(id, FILE_SUFFIX), { force: true });
      await rm(this.#path(id, CLAIMS_SUFFIX), { force: true });
    }
    if (expired.length === 0) throw new RelayError('too_many_tokens', `there are ${INVITES_MAX} tokens`, { hint: 'Revoke some that are not needed any more.' });
  }
}

function parseStored(id: string, text: string): StoredInvite {
  const fields = new Map<string, unknown>(Object.entries(asObject(JSON.parse(text))));
  // Tokens of a version that knew no tenants have none.
  const { label, tenant = null, usesMax, createdAtMs, expiresAtMs, hash } = Object.fromEntries(fields);
  const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
  if (fields.get('id') !== id || typeof label !== 'string' || !(tenant === null || typeof tenant === 'string') || !isCount(usesMax) || !isCount(createdAtMs) || typeof hash !== 'string' || !(expiresAtMs === null || isCount(expiresAtMs))) {
    throw new RelayError('token_file_damaged', `the file of the invite token ${id} is damaged`, { hint: 'Remove it and make another token.' });
  }
  return { id, label, tenant, usesMax, createdAtMs, expiresAtMs, hash };
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
