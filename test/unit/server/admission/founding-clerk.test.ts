import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FoundingClerk } from '../../../../src/server/admission/founding-clerk.js';
import type { FoundingVerdict } from '../../../../src/server/admission/founding-judge.js';
import { RelayPortDouble } from '../../../support/relay-port-double.js';

const founding = (id: number, token: string): { id: number; token: string; claim: string | null } => ({ id, token, claim: 'a'.repeat(32) });

describe('FoundingClerk', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('answers each founding once, also one that fails or never ends, and logs no token', async () => {
    const lines: string[] = [];
    const port = new RelayPortDouble();
    const judge = async (token: string): Promise<FoundingVerdict> => {
      if (token === 'broken') throw new Error('the disk is gone');
      if (token === 'slow') return await new Promise(() => undefined);
      if (token === 'full') return { kind: 'exceeded', used: 2, allowed: 2 };
      return token === 'good' ? { kind: 'admitted', tenant: 'ac'.repeat(16) } : { kind: 'refused' };
    };
    const clerk = new FoundingClerk({ judge }, pino({}, { write: (line: string) => void lines.push(line) }));
    port.foundings = [founding(1, 'slow'), founding(2, 'good'), founding(3, 'bad'), founding(4, 'broken'), founding(5, 'full')];
    clerk.work(port);
    clerk.work(port);
    await vi.advanceTimersByTimeAsync(4999);
    expect(port.calls.toSorted()).toEqual([`founding 2 admitted ${'ac'.repeat(16)}`, 'founding 3 refused', 'founding 4 unavailable', 'founding 5 exceeded']);
    await vi.advanceTimersByTimeAsync(1);
    expect(port.calls).toContain('founding 1 unavailable');
    expect(lines.join('')).toContain('the disk is gone');
    expect(lines.join('')).not.toContain('broken');
  });

  it('has it read whom a token names that brings no claim, and says so only where somebody can read it', async () => {
    const port = new RelayPortDouble();
    const judge = { judge: async (): Promise<FoundingVerdict> => ({ kind: 'refused' }) };
    const reader = { recognise: async (token: string): Promise<FoundingVerdict> => (token === 'hers' ? { kind: 'admitted', tenant: '7a'.repeat(16) } : { kind: 'refused' }) };
    const asked = (id: number, token: string): ReturnType<typeof founding> => ({ ...founding(id, token), claim: null });
    port.foundings = [asked(1, 'hers'), asked(2, 'bad')];
    new FoundingClerk(judge, pino({ level: 'silent' }), reader).work(port);
    await vi.advanceTimersByTimeAsync(0);
    port.foundings = [asked(3, 'hers')];
    new FoundingClerk(judge, pino({ level: 'silent' })).work(port);
    await vi.advanceTimersByTimeAsync(0);
    expect(port.calls).toEqual([`founding 1 admitted ${'7a'.repeat(16)}`, 'founding 2 refused', 'founding 3 unavailable']);
  });
});
