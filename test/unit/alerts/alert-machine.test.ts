import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OK, step, type AlertState, type Look } from '../../../src/server/alerts/alert-machine.js';

const waits = { forMs: 60, clearMs: 100 };
const pending: AlertState = { phase: 'pending', sinceMs: 1000 };
const firing: AlertState = { phase: 'firing', sinceMs: 1060, clearSinceMs: null };
const clearing: AlertState = { phase: 'firing', sinceMs: 1060, clearSinceMs: 2000 };

describe('an alert', () => {
  it.each([
    [OK, 'breached', 1000, pending, null],
    [OK, 'between', 1000, OK, null],
    [OK, 'clear', 1000, OK, null],
    [OK, 'unknown', 1000, OK, null],
    [pending, 'breached', 1059, pending, null],
    [pending, 'breached', 1060, firing, 'firing'],
    [pending, 'between', 1060, OK, null],
    [pending, 'clear', 1060, OK, null],
    [pending, 'unknown', 9000, pending, null],
    [firing, 'breached', 2000, firing, null],
    [firing, 'between', 2000, firing, null],
    [firing, 'clear', 2000, clearing, null],
    [firing, 'unknown', 2000, firing, null],
    [clearing, 'breached', 2050, firing, null],
    [clearing, 'between', 2050, firing, null],
    [clearing, 'clear', 2099, clearing, null],
    [clearing, 'clear', 2100, OK, 'resolved'],
    [clearing, 'unknown', 9000, clearing, null],
  ] as const)('%j, %s at %d: %j, tells %s', (state, look, nowMs, next, event) => {
    expect(step(state, look, nowMs, waits)).toEqual({ state: next, event });
  });

  it('fires at once where it has no wait', () => {
    expect(step(OK, 'breached', 5, { forMs: 0, clearMs: 0 })).toEqual({ state: { phase: 'firing', sinceMs: 5, clearSinceMs: null }, event: 'firing' });
  });

  it('tells its beginning and its end in turn, whatever is found', () => {
    const look = fc.constantFrom<Look>('breached', 'between', 'clear', 'unknown');
    fc.assert(
      fc.property(fc.array(fc.tuple(look, fc.nat(200))), (looks) => {
        let [state, nowMs, last]: [AlertState, number, string] = [OK, 0, 'resolved'];
        for (const [found, passedMs] of looks) {
          nowMs += passedMs;
          const next = step(state, found, nowMs, waits);
          if (next.event !== null) {
            expect(next.event).not.toBe(last);
            last = next.event;
          }
          expect(next.state.phase === 'firing').toBe(last === 'firing');
          state = next.state;
        }
      }),
    );
  });
});
