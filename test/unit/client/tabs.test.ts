// What tabs of one document remember, so that a change is neither lost nor taken twice when the tab that leads goes.
import { expect, test } from 'vitest';
import { StateJournal } from '../../../src/client/documents/state-journal.js';
import { MemoryJournal } from '../../../src/client/store/journal.js';
import { HeldChanges } from '../../../src/client/tabs/held-changes.js';
import { heardError, toldError } from '../../../src/client/tabs/tab-channel.js';
import { ClientError } from '../../../src/client/client-error.js';

const TAB = '0123456789abcdef0123456789abcdef';
const OTHER = 'ffffffffffffffffffffffffffffffff';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (change: Uint8Array): string => new TextDecoder().decode(change);

function open(storage: MemoryJournal): StateJournal {
  return new StateJournal(storage, () => bytes('state'), (cause) => {
    throw cause;
  });
}

test('a change of a tab is taken once, also by the leader after the one that stored it', async () => {
  const storage = new MemoryJournal();
  const first = open(storage);
  await first.load();
  expect(first.recordOfTab(TAB, 1, bytes('a'))).toBe(true);
  expect(first.recordOfTab(TAB, 1, bytes('a'))).toBe(false);
  expect(first.recordOfTab(TAB, 3, bytes('b'))).toBe(true);
  await first.flush();
  const second = open(storage);
  const { changes, owed } = await second.load();
  expect(changes.map(text)).toEqual(['a', 'b']);
  expect(owed.map(text)).toEqual(['a', 'b']);
  expect(second.recordOfTab(TAB, 3, bytes('b'))).toBe(false);
  expect(second.recordOfTab(TAB, 4, bytes('c'))).toBe(true);
  expect(second.recordOfTab(OTHER, 1, bytes('d'))).toBe(true);
});

test('what was settled is owed no more, and still not taken twice after the journal was written anew', async () => {
  const storage = new MemoryJournal();
  const journal = open(storage);
  await journal.load();
  journal.recordOfTab(TAB, 7, bytes('a'));
  journal.settled();
  // More than the journal holds before it is replaced by the state.
  for (let at = 0; at < 1001; at += 1) journal.record(bytes('x'), false);
  await journal.flush();
  expect((await storage.load()).length).toBeLessThan(10);
  const next = open(storage);
  const { changes, owed } = await next.load();
  expect(changes.map(text)).toEqual(['state']);
  expect(owed).toEqual([]);
  expect(next.recordOfTab(TAB, 7, bytes('a'))).toBe(false);
  expect(next.recordOfTab(TAB, 8, bytes('b'))).toBe(true);
});

test('changes are held, in order, until a leader has them', () => {
  const held = new HeldChanges(() => bytes('whole'));
  expect([bytes('a'), bytes('b'), bytes('c')].map((change) => held.add(change))).toEqual([1, 2, 3]);
  held.kept(2);
  expect(held.all().map(({ number, change }) => [number, text(change)])).toEqual([[3, 'c']]);
  expect(held.takeAll()).toHaveLength(1);
  expect(held.any).toBe(false);
  expect(held.add(bytes('d'))).toBe(4);
});

test('too many held changes give way to the whole document, under a new number', () => {
  const held = new HeldChanges(() => bytes('whole'));
  for (let at = 0; at < 4096; at += 1) held.add(bytes('x'));
  expect(held.add(bytes('y'))).toBe(4097);
  expect(held.all().map(({ number, change }) => [number, text(change)])).toEqual([[4097, 'whole']]);
});

test('an error means the same in every tab', () => {
  const told = toldError(new ClientError('storage_full', 'full', { temporary: true, hint: 'make room' }));
  expect(heardError(structuredClone(told))).toMatchObject({ code: 'storage_full', message: 'full', temporary: true, hint: 'make room' });
});
