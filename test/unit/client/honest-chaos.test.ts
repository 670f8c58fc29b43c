// Random work, disconnections, restarts, crashes, drains and restored backups on an honest relay: everything arrives, and nobody is ever accused.
import { expect, test } from 'vitest';
import { MemoryDeviceStore } from '../../../src/client/store/device-store.js';
import { HonestRelay } from '../../support/honest-relay.js';
import { bytes, createDevice, kinds, openDevice, until } from '../../support/test-space.js';
import type { TestDevice } from '../../support/test-space.js';

const STEPS = 60;

/** A small generator, so that a failure names a seed that repeats it. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** The device as it comes back in a new process, with what it told before. */
async function restarted(relay: HonestRelay, device: TestDevice, storage: MemoryDeviceStore): Promise<TestDevice> {
  await device.space.close();
  const again = await openDevice(relay, null, { storage });
  again.entries.push(...device.entries);
  again.findings.push(...device.findings);
  return again;
}

async function chaos(seed: number, restores: boolean): Promise<void> {
  const pick = numbers(seed);
  const relay = await new HonestRelay({ entriesPerFrame: 1 + pick(5), heartbeatMs: 50 }).start();
  const stores = Array.from({ length: 3 }, () => new MemoryDeviceStore());
  const devices: TestDevice[] = [await createDevice(relay, { storage: stores[0]! })];
  await devices[0]!.space.whenSynced();
  for (const storage of stores.slice(1)) devices.push(await openDevice(relay, devices[0]!.space.link, { storage }));
  await Promise.all(devices.map(({ space }) => space.whenSynced()));
  const pushed: string[] = [];
  let backup = relay.backup();
  for (let step = 0; step < STEPS; step += 1) {
    const at = pick(devices.length);
    const { space } = devices[at]!;
    const dice = pick(21);
    if (dice < 12) {
      pushed.push(`${step}`);
      space.push(bytes(`${step}`));
    } else if (dice < 14) space.goOffline();
    else if (dice < 16) space.goOnline();
    else if (dice === 16) relay.crash();
    else if (dice === 20) relay.drain();
    else if (dice === 17) backup = relay.backup();
    else if (dice === 18 && restores) await relay.restore(backup);
    else if (dice === 19) devices[at] = await restarted(relay, devices[at]!, stores[at]!);
    await pause(pick(8));
  }
  for (const { space } of devices) space.goOnline();
  await Promise.all(devices.map(({ space }) => space.whenSynced({ signal: AbortSignal.timeout(10_000) })));
  await until(`seed ${seed}: everybody has everything`, () => devices.every((device) => new Set(device.texts()).size === pushed.length));
  for (const device of devices) {
    expect([...kinds(device), ...device.errors], `seed ${seed}`).toEqual([]);
    expect(device.texts().toSorted(), `seed ${seed}`).toEqual(pushed.toSorted());
    if (!restores) expect(device.texts()).toEqual(devices[0]!.texts());
    await device.space.close();
  }
  expect(relay.failures).toEqual([]);
}

test.each(Array.from({ length: 8 }, (_, i) => i + 1))('crashes and disconnections, seed %i', (seed) => chaos(seed, false));
test.each(Array.from({ length: 12 }, (_, i) => i + 100))('restored backups too, seed %i', (seed) => chaos(seed, true));
