import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { derivedStore } from '../../../src/react/external-store.js';
import { PRESENCE_EVERY_MS, PRESENCE_LIFE_MS, PRESENT_MAX, PresenceStore } from '../../../src/react/presence.js';
import { syncStore } from '../../../src/react/sync-store.js';
import { SpaceDouble, deviceOf } from '../../support/react/space-double.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('a derived store keeps the identity of equal values and watches its source once', () => {
  let value = { n: 1 };
  let watching = 0;
  let changed = (): void => undefined;
  const store = derivedStore(
    (told) => {
      watching += 1;
      changed = told;
      return [() => (watching -= 1)];
    },
    () => ({ ...value }),
  );
  const heard = vi.fn();
  const [first, second] = [store.subscribe(heard), store.subscribe(heard)];
  expect(watching).toBe(1);
  const before = store.getSnapshot();
  changed();
  expect(store.getSnapshot()).toBe(before);
  expect(heard).not.toHaveBeenCalled();
  value = { n: 2 };
  changed();
  expect(store.getSnapshot()).toEqual({ n: 2 });
  expect(heard).toHaveBeenCalledTimes(2);
  first();
  second();
  expect(watching).toBe(0);
});

test('presence tells, asks, hears, and forgets who says nothing or leaves', () => {
  const double = new SpaceDouble();
  let now = 0;
  const presence = new PresenceStore<{ name: string }>(double.space, () => now);
  presence.say({ name: 'me' });
  expect(double.sent).toEqual([]);
  const stop = presence.subscribe(() => undefined);
  expect(double.sent).toEqual(['{"kind":"ask"}', '{"kind":"state","state":{"name":"me"}}']);
  presence.say({ name: 'me' });
  expect(double.sent).toHaveLength(2);
  double.hear('a', '{"kind":"ask"}');
  expect(double.sent).toHaveLength(3);
  double.hear('a', '{"kind":"state","state":{"name":"ana"}}');
  double.hear('b', '{"kind":"state","state":{"name":"bo"}}');
  expect(presence.getSnapshot()).toEqual([{ device: 'a', state: { name: 'ana' } }, { device: 'b', state: { name: 'bo' } }]);
  double.hear('b', '{"kind":"gone"}');
  now = PRESENCE_LIFE_MS;
  vi.advanceTimersByTime(PRESENCE_EVERY_MS);
  expect(presence.getSnapshot()).toHaveLength(1);
  now = PRESENCE_LIFE_MS + 1;
  vi.advanceTimersByTime(PRESENCE_EVERY_MS);
  expect(presence.getSnapshot()).toEqual([]);
  double.hear('a', '{"kind":"state","state":{"name":"ana"}}');
  double.emit('status', { status: 'offline', error: null });
  expect(presence.getSnapshot()).toEqual([]);
  stop();
  expect(double.sent.at(-1)).toBe('{"kind":"gone"}');
  expect([double.listening, vi.getTimerCount()]).toEqual([0, 0]);
});

test('presence takes no foreign frames, no damaged ones, and not more devices than a roster has', () => {
  const double = new SpaceDouble();
  const presence = new PresenceStore<number>(double.space);
  presence.subscribe(() => undefined);
  double.hear('a', '{"kind":"state","state":1}', 1);
  for (const text of ['', '{', 'null', '7', '{"kind":"dance"}']) double.hear('a', text);
  expect(presence.getSnapshot()).toEqual([]);
  for (let n = 0; n <= PRESENT_MAX; n += 1) double.hear(`device ${n}`, `{"kind":"state","state":${n}}`);
  expect(presence.getSnapshot()).toHaveLength(PRESENT_MAX);
});

test('what is saved goes from here to the relay to devices, and back with the next change', () => {
  const double = new SpaceDouble();
  double.known = [deviceOf('a', { own: true }), deviceOf('b'), deviceOf('c')];
  const store = syncStore(double.space);
  const heard: string[] = [];
  const stop = store.subscribe(() => heard.push(store.getSnapshot().saved));
  const write = { seenBy: [] as string[] };
  double.push(write);
  double.sync(write);
  write.seenBy = ['b'];
  double.emit('write-state', write as never);
  expect(store.getSnapshot()).toEqual({ saved: 'devices', blocked: null, seenBy: 1, others: 2 });
  double.push({ seenBy: [] });
  expect(heard).toEqual(['here', 'relay', 'devices', 'here']);
  stop();
  expect(double.listening).toBe(0);
});

test('what has no room at the relay is said to wait for it, until it got through', () => {
  const double = new SpaceDouble();
  const store = syncStore(double.space);
  const stop = store.subscribe(() => undefined);
  const write = { seenBy: [] as string[], state: 'queued' };
  const refuse = (code: string): void => double.emit('error', { code } as never);
  double.push(write);
  refuse('internal');
  expect(store.getSnapshot()).toMatchObject({ saved: 'here', blocked: null });
  refuse('quota_exceeded');
  expect(store.getSnapshot()).toMatchObject({ saved: 'here', blocked: 'quota_exceeded' });
  double.emit('write-state', { ...write, state: 'stored' } as never);
  expect(store.getSnapshot()).toMatchObject({ saved: 'here', blocked: null });
  refuse('quota_exceeded');
  write.state = 'stored';
  double.sync(write as never);
  expect(store.getSnapshot()).toMatchObject({ saved: 'relay', blocked: null });
  stop();
});

test('a change that could not be stored is not said to be saved, although nothing waits for the relay', () => {
  const double = new SpaceDouble();
  const store = syncStore(double.space);
  const stop = store.subscribe(() => undefined);
  double.push({ seenBy: [], state: 'queued' } as never);
  double.hasUnsyncedChanges = false;
  double.emit('error', { code: 'storage_full' } as never);
  expect(store.getSnapshot()).toMatchObject({ saved: 'here', blocked: 'storage_full' });
  stop();
});

test('what an earlier run pushed is followed too', () => {
  const double = new SpaceDouble();
  double.hasUnsyncedChanges = true;
  const store = syncStore(double.space);
  const stop = store.subscribe(() => undefined);
  expect(store.getSnapshot().saved).toBe('here');
  const heard = vi.fn();
  store.subscribe(heard)();
  const again = store.subscribe(heard);
  double.sync();
  expect([store.getSnapshot().saved, heard.mock.calls.length]).toEqual(['relay', 1]);
  again();
  stop();
});
