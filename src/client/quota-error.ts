// A quota of the relay is used up: which one, and what would be needed.
import type { QuotaDetail, QuotaName } from '../protocol/quota-detail.js';
import { ClientError } from './client-error.js';

/**
 * Told by the event `error` when entries of this device do not fit; they stay in the outbox and are sent again. Of sessions, and with the
 * code `too_many_connections`, when the space or its tenant has as many as it may.
 */
export class QuotaExceededError extends ClientError {
  readonly quota: QuotaName;
  readonly used: number;
  readonly allowed: number;
  /** What the refused request needs beside what is used. */
  readonly needed: number;

  constructor({ quota, used, allowed, needed }: QuotaDetail, code: 'quota_exceeded' | 'too_many_connections' = 'quota_exceeded') {
    super(code, `${quota.replace('_', ' ')}: ${used} of ${allowed} are used, and ${needed} more are needed`, { temporary: true });
    this.name = 'QuotaExceededError';
    this.quota = quota;
    this.used = used;
    this.allowed = allowed;
    this.needed = needed;
  }
}
