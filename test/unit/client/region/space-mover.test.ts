import { expect, test, vi } from 'vitest';
import { SpaceMover } from '../../../../src/client/region/space-mover.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { SpaceDouble } from '../../../support/react/space-double.js';

const REGION = { id: 'us', name: 'US', location: 'Virginia', endpoint: 'https://us.example', status: 'online' } as const;

/** A space at home, one that never comes online at the other relay, and what is opened by address. */
function scene(openAtHome: () => Promise<SpaceDouble>) {
  const clock = new ManualClock();
  const [home, away] = [new SpaceDouble(), new SpaceDouble()];
  away.status = { status: 'connecting', error: null };
  const open = vi.fn(async (relay: string) => (relay === 'away' ? away : await openAtHome()).space);
  const mover = new SpaceMover({ space: home.space, relay: 'home', relayOf: () => 'away', open, timeoutMs: 1000, environment: clock });
  return { clock, home, away, open, mover };
}

test('goes back after the time when the other relay does not answer', async () => {
  const back = new SpaceDouble();
  const { clock, home, away, open, mover } = scene(async () => back);
  const steps: string[] = [];
  const told = vi.fn();
  mover.subscribe(told);
  const moving = mover.move(REGION, (step) => steps.push(step));
  await vi.waitFor(() => expect(open).toHaveBeenCalledWith('away'));
  await Promise.resolve();
  expect(home.status.status).toBe('closed');
  expect(mover.getSnapshot()).toBeNull();
  await expect(mover.move(REGION, () => undefined)).rejects.toMatchObject({ code: 'region_busy' });
  clock.advance(999);
  expect(open).toHaveBeenCalledTimes(1);
  clock.advance(1);
  await expect(moving).rejects.toMatchObject({ code: 'region_unreachable', temporary: true });
  expect(steps).toEqual(['pausing', 'connecting']);
  expect([away.status.status, away.listening]).toEqual(['closed', 0]);
  expect(mover.getSnapshot()).toBe(back);
  // On its way, given up there, and back.
  expect(told).toHaveBeenCalledTimes(3);
});

test('says so when there is no way back either', async () => {
  const { away, mover } = scene(() => Promise.reject(new Error('no storage')));
  away.status = { status: 'failed', error: null };
  await expect(mover.move(REGION, () => undefined)).rejects.toMatchObject({ code: 'closed', message: expect.stringContaining('opened again') });
  expect(mover.getSnapshot()).toBeNull();
});

test('pauses nothing when the address of the region is not known', async () => {
  const home = new SpaceDouble();
  const mover = new SpaceMover({ space: home.space, relay: 'home', relayOf: () => undefined, open: () => Promise.reject(new Error('not asked')) });
  await expect(mover.move(REGION, () => undefined)).rejects.toMatchObject({ code: 'region_unreachable' });
  expect(home.status.status).toBe('online');
});
