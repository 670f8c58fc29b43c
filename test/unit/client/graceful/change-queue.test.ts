import { expect, test } from 'vitest';
import { ChangeQueue } from '../../../../src/client/graceful/change-queue.js';
import { JOURNAL_RECORDS_SPARE, PUSH_CHANGES_MAX } from '../../../../src/client/graceful/limits.js';
import type { SyncChange } from '../../../../src/client/graceful/wire.js';
import { MemoryJournal } from '../../../../src/client/store/journal.js';

const sealed = (id: string, bytes = 10): SyncChange => ({ id, entity_type: 'sealed', entity_id: 'e', operation: 'sealed', encrypted_payload: 'x'.repeat(bytes), version_vector: {}, timestamp: 1 });
const idsOf = (queue: ChangeQueue): string[] => queue.all.map(({ change }) => change.id);
const isWaiting = ({ storedBy }: { storedBy: ReadonlySet<string> }): boolean => storedBy.size === 0;

async function reopened(journal: MemoryJournal): Promise<ChangeQueue> {
  const queue = new ChangeQueue(journal);
  await queue.load();
  return queue;
}

test('a batch is of one device, in order, and bounded', async () => {
  const queue = new ChangeQueue(new MemoryJournal());
  await queue.add('a', Array.from({ length: PUSH_CHANGES_MAX + 1 }, (_, n) => sealed(`a${n}`)));
  await queue.add('b', [sealed('b0')]);
  const first = queue.batch(isWaiting);
  expect([first?.device, first?.changes.length, first?.changes[0]?.change.id]).toEqual(['a', PUSH_CHANGES_MAX, 'a0']);
  await queue.stored('r', first!.changes.map(({ change }) => change.id), []);
  expect(queue.batch(isWaiting)?.changes.map(({ change }) => change.id)).toEqual([`a${PUSH_CHANGES_MAX}`]);
  await queue.drop([`a${PUSH_CHANGES_MAX}`]);
  expect(queue.batch(isWaiting)?.device).toBe('b');
  const large = new ChangeQueue(new MemoryJournal());
  await large.add('a', [sealed('x', 3_000_000), sealed('y', 3_000_000)]);
  expect(large.batch(isWaiting)?.changes.length).toBe(1);
});

test('what some relay has is kept until all have it, the newest of it when it becomes much', async () => {
  const journal = new MemoryJournal();
  const queue = new ChangeQueue(journal, { keptMax: 2 });
  await queue.add('a', ['1', '2', '3', '4'].map((id) => sealed(id)));
  await queue.stored('r', ['1', '2', '3'], ['r', 's']);
  expect([idsOf(queue), queue.waiting]).toEqual([['2', '3', '4'], 1]);
  await queue.stored('s', ['2'], ['r', 's']);
  expect(idsOf(queue)).toEqual(['3', '4']);
  const again = await reopened(journal);
  expect([idsOf(again), again.waiting, again.find('3')?.storedBy]).toEqual([['3', '4'], 1, new Set(['r'])]);
  expect([again.find('4')?.maySit, again.waitingBytes]).toEqual([true, queue.waitingBytes]);
});

test('the journal is written anew when most of it is of the past, and holds the same then', async () => {
  const journal = new MemoryJournal();
  const queue = new ChangeQueue(journal);
  await queue.add('a', [sealed('stays'), sealed('kept')]);
  await queue.stored('r', ['kept'], ['r', 's']);
  await queue.mark({}, 'r', 'c1', 5);
  for (let n = 0; n < JOURNAL_RECORDS_SPARE; n += 1) {
    await queue.add('a', [sealed(`n${n}`)]);
    await queue.drop([`n${n}`]);
  }
  expect((await journal.load()).length).toBeLessThan(JOURNAL_RECORDS_SPARE + 10);
  const again = await reopened(journal);
  expect([idsOf(again), again.waiting, again.marks.since(5)]).toEqual([['stays', 'kept'], 1, { r: 'c1' }]);
});

test('a journal that fails tells who wrote, and the next write is tried', async () => {
  const journal = new MemoryJournal();
  const append = journal.append.bind(journal);
  let isFull = true;
  journal.append = (records) => (isFull ? Promise.reject(new Error('full')) : append(records));
  const queue = new ChangeQueue(journal);
  await expect(queue.add('a', [sealed('1')])).rejects.toThrow('full');
  isFull = false;
  await queue.add('a', [sealed('2')]);
  expect(idsOf(queue)).toEqual(['2']);
});
