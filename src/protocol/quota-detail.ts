// The detail of `quota_exceeded`: which quota, and by how much.
import { ByteReader } from './byte-reader.js';
import { FrameError } from './frame-error.js';

/** Number on the wire to name. */
const QUOTAS = {
  1: 'space_entries',
  2: 'space_bytes',
  3: 'space_connections',
  4: 'tenant_entries',
  5: 'tenant_bytes',
  6: 'tenant_connections',
  7: 'tenant_spaces',
  8: 'sponsored_spaces',
} as const;

/** Which quota a request would exceed. */
export type QuotaName = (typeof QUOTAS)[keyof typeof QUOTAS];

export interface QuotaDetail {
  readonly quota: QuotaName;
  readonly used: number;
  readonly allowed: number;
  /** What the request needs beside what is used. */
  readonly needed: number;
}

/** Reads the detail of an Error frame; null when it is none that this build knows. */
export function readQuotaDetail(detail: Uint8Array): QuotaDetail | null {
  try {
    const reader = new ByteReader(detail);
    const quota = Object.entries(QUOTAS).find(([number]) => Number(number) === detail[0])?.[1];
    reader.u8();
    const read = { used: reader.u64(), allowed: reader.u64(), needed: reader.u64() };
    reader.end();
    return quota === undefined ? null : { quota, ...read };
  } catch (cause) {
    if (cause instanceof FrameError) return null;
    throw cause;
  }
}
