// What the core asks of the control plane before a space is founded, and what it is told.

/** The word on one founding. */
export type FoundingVerdict =
  /** `tenant`: on whose account, 32 hexadecimal digits; null for nobody's. */
  | { readonly kind: 'admitted'; readonly tenant: string | null }
  /** The token is no good. */
  | { readonly kind: 'refused' }
  /** It cannot be judged now. */
  | { readonly kind: 'unavailable' }
  /** Its tenant has as many spaces as it may. */
  | { readonly kind: 'exceeded'; readonly used: number; readonly allowed: number };

export const ADMITTED: FoundingVerdict = { kind: 'admitted', tenant: null };
export const REFUSED: FoundingVerdict = { kind: 'refused' };

/** Reads whom tokens name, for what is reached by them again and again. Counts nothing. */
export interface TokenReader {
  /** Admitted with the owner as `tenant`, the same for all tokens of one owner. Rejects when it cannot be judged. */
  recognise(token: string): Promise<FoundingVerdict>;
}

/** Judges tokens. */
export interface FoundingJudge {
  /** `claim` is the same when the same token comes for the same space again. Rejects when it cannot be judged. */
  judge(token: string, claim: string): Promise<FoundingVerdict>;
}
