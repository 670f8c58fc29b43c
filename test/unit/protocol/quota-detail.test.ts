import { describe, expect, it } from 'vitest';
import { relayRefusal } from '../../../src/client/connection/relay-refusal.js';
import { QuotaExceededError } from '../../../src/client/quota-error.js';
import { ERRORS } from '../../../src/protocol/errors.js';
import { readQuotaDetail } from '../../../src/protocol/quota-detail.js';
import { hex, vectors } from './vectors.js';

interface Vector {
  readonly details: readonly { readonly quota: string; readonly used: number; readonly allowed: number; readonly needed: number; readonly hex: string }[];
  readonly refused: readonly string[];
}

const { details, refused } = vectors<Vector>('quotas');
const frame = (detail: Uint8Array): Parameters<typeof relayRefusal>[0] => ({ type: 'Error', code: ERRORS.quota_exceeded.code, context: 7, retryAfterMs: 1, detail });

describe('the detail of quota_exceeded', () => {
  it.each(details)('is read as the relay wrote it: $quota', ({ hex: text, ...fields }) => {
    expect(readQuotaDetail(hex(text))).toEqual(fields);
    const { error } = relayRefusal(frame(hex(text)));
    expect(error).toBeInstanceOf(QuotaExceededError);
    expect(error).toMatchObject({ ...fields, code: 'quota_exceeded', temporary: true });
  });

  it('is that of too_many_connections too', () => {
    for (const { hex: text, quota } of details.filter(({ quota }) => quota.endsWith('connections'))) {
      const { error } = relayRefusal({ ...frame(hex(text)), code: ERRORS.too_many_connections.code });
      expect(error).toBeInstanceOf(QuotaExceededError);
      expect(error).toMatchObject({ code: 'too_many_connections', quota, temporary: true });
    }
    expect(relayRefusal({ ...frame(new Uint8Array()), code: ERRORS.too_many_connections.code }).error).not.toBeInstanceOf(QuotaExceededError);
  });

  it.each(refused)('is nothing that another version wrote: %s', (text) => {
    expect(readQuotaDetail(hex(text))).toBeNull();
    const { error } = relayRefusal(frame(hex(text)));
    expect([error instanceof QuotaExceededError, error.code]).toEqual([false, 'quota_exceeded']);
  });
});
