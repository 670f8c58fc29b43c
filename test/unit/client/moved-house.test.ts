// A device is told another relay of its space whose log is not the old one's: nothing that is only there may be skipped.
import { expect, test } from 'vitest';
import { MemoryDeviceStore } from '../../../src/client/store/device-store.js';
import type { SpaceRecord } from '../../support/honest-relay.js';
import { HonestRelay, leafOf } from '../../support/honest-relay.js';
import { bytes, createDevice, kinds, openDevice, until } from '../../support/test-space.js';
import type { TestDevice } from '../../support/test-space.js';

/** A relay that gives two leaves, and then breaks the connection at every page. */
class BreakingRelay extends HonestRelay {
  breaks = false;
  broken = 0;
  #given = false;

  /** Takes over what another relay has on its disk. */
  adopt(disk: ReadonlyMap<string, SpaceRecord>): void {
    for (const [name, space] of disk) this.spaces.set(name, { ...space, acks: new Map() });
  }

  protected override leavesOf(view: SpaceRecord): readonly Uint8Array[] {
    const leaves = view.entries.map(leafOf);
    if (!this.breaks) return leaves;
    if (this.#given) {
      this.broken += 1;
      this.crash();
    }
    this.#given = true;
    return leaves.slice(0, 2);
  }
}

interface Scene {
  readonly next: BreakingRelay;
  readonly storages: readonly [MemoryDeviceStore, MemoryDeviceStore];
  /** Opens one of the two devices at the new relay. */
  readonly move: (at: 0 | 1) => Promise<{ device: TestDevice; moves: { size: number; verified: boolean }[] }>;
}

/** Two devices that read five entries at a relay, four of the second's, and left it; the new one has what a copy of that log would have, or nothing. */
async function scene({ copied }: { copied: boolean }): Promise<Scene> {
  const old = await new HonestRelay().start();
  const next = await new BreakingRelay().start();
  const storages = [new MemoryDeviceStore(), new MemoryDeviceStore()] as const;
  const first = await createDevice(old, { storage: storages[0] });
  const second = await openDevice(old, first.space.link, { storage: storages[1] });
  await first.space.push(bytes('1')).durable('relay');
  for (const text of ['2', '3', '4', '5']) await second.space.push(bytes(text)).durable('relay');
  await until('both read', () => first.texts().length === 5 && second.texts().length === 5);
  await Promise.all([first.space.close(), second.space.close()]);
  if (copied) next.adopt(old.backup());
  const move: Scene['move'] = async (at) => {
    const moves: { size: number; verified: boolean }[] = [];
    const device = await openDevice(next, null, { storage: storages[at], relay: next.address(), offline: true, environment: { random: () => 0.01 } });
    device.space.on('moved', (event) => moves.push(event));
    device.space.goOnline();
    return { device, moves };
  };
  return { next, storages, move };
}

test('hands on what another device wrote in a new log that is shorter than the old one', async () => {
  const { move } = await scene({ copied: false });
  const { device: first } = await move(0);
  await first.space.push(bytes('only at the new relay')).durable('relay');
  await first.space.push(bytes('and this')).durable('relay');
  const { device: second, moves } = await move(1);
  await second.space.whenSynced();
  expect(second.texts()).toEqual(['only at the new relay', 'and this']);
  expect(moves).toEqual([{ size: 0, verified: false }]);
  await second.space.push(bytes('of the second')).durable('relay');
  await until('they go on', () => first.texts().includes('of the second'));
  expect([...kinds(first), ...kinds(second), ...first.errors, ...second.errors]).toEqual([]);
  await Promise.all([first.space.close(), second.space.close()]);
});

test('compares from the beginning when the device ended in the middle, and hands nothing on twice', async () => {
  const { next, move } = await scene({ copied: true });
  next.breaks = true;
  const { device: before, moves: none } = await move(1);
  await until('it broke twice', () => next.broken >= 2);
  await before.space.close();
  expect(none).toEqual([]);
  next.breaks = false;
  const { device, moves } = await move(1);
  await device.space.whenSynced();
  expect(moves).toEqual([{ size: 5, verified: true }]);
  expect(device.texts()).toEqual([]);
  await device.space.close();
});

test('skips nothing when the device ended in the middle of a comparison with a log that is another one', async () => {
  const { next, move } = await scene({ copied: false });
  const { device: first } = await move(0);
  for (const text of ['a', 'b', 'c', 'd', 'e', 'f']) await first.space.push(bytes(text)).durable('relay');
  next.breaks = true;
  const { device: before } = await move(1);
  await until('it broke twice', () => next.broken >= 2);
  await before.space.close();
  next.breaks = false;
  const { device, moves } = await move(1);
  await until('it notices', () => device.findings.length > 0);
  expect(kinds(device)).toEqual(['fork']);
  expect(moves).toEqual([]);
  await Promise.all([first.space.close(), device.space.close()]);
});
