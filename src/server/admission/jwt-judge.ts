// Judges JWTs: signature, issuer, audience, times, and then whether its tenant may have one more space, or whose token it is.
import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { REFUSED, type FoundingJudge, type FoundingVerdict, type TokenReader } from './founding-judge.js';
import type { JwtKeys } from './jwt-keys.js';
import type { Tenants } from './tenants.js';

/** Asymmetric only: what verifies here can sign nothing. */
const ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'RS256'];
const CLOCK_TOLERANCE_S = 30;
const SPACES_MAX = 100_000;

export interface JwtJudgeOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly tenantClaim: string;
  readonly spacesClaim: string;
  readonly userClaim: string;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

export class JwtJudge implements FoundingJudge, TokenReader {
  readonly #options: JwtJudgeOptions;
  readonly #keys: JwtKeys;
  readonly #tenants: Tenants;

  constructor(options: JwtJudgeOptions, keys: JwtKeys, tenants: Tenants) {
    this.#options = options;
    this.#keys = keys;
    this.#tenants = tenants;
  }

  async judge(token: string, claim: string): Promise<FoundingVerdict> {
    const payload = await this.#verified(token);
    if (payload === null) return REFUSED;
    const { tenantClaim, spacesClaim } = this.#options;
    const tenant = payload[tenantClaim] ?? payload.sub;
    const granted = payload[spacesClaim] ?? null;
    if (typeof tenant !== 'string' || !(granted === null || isSpaceCount(granted))) return REFUSED;
    return await this.#tenants.found(tenant, granted, claim);
  }

  async recognise(token: string): Promise<FoundingVerdict> {
    const payload = await this.#verified(token);
    if (payload === null) return REFUSED;
    const { tenantClaim, userClaim } = this.#options;
    const [tenant, user] = [payload[tenantClaim] ?? payload.sub, payload[userClaim] ?? null];
    return typeof tenant === 'string' && (user === null || typeof user === 'string') ? this.#tenants.owner(tenant, user) : REFUSED;
  }

  /** What the token says; null when it is no good. */
  async #verified(token: string): Promise<JWTPayload | null> {
    try {
      return await this.#verify(token, await this.#keys.current());
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) return refusedOrThrow(error);
    }
    // The issuer may have a new key.
    const renewed = await this.#keys.renewed();
    if (renewed === null) return null;
    return await this.#verify(token, renewed).catch(refusedOrThrow);
  }

  async #verify(token: string, keys: JWTVerifyGetKey): Promise<JWTPayload> {
    const { issuer, audience, clock } = this.#options;
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms: ALGORITHMS,
      requiredClaims: ['exp'],
      clockTolerance: CLOCK_TOLERANCE_S,
      currentDate: new Date(clock()),
    });
    return payload;
  }
}

/** What is wrong with the token refuses it; everything else is for the caller. */
function refusedOrThrow(error: unknown): null {
  if (error instanceof errors.JOSEError) return null;
  throw error;
}

function isSpaceCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= SPACES_MAX;
}
