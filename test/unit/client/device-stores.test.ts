// Storages of devices: the contract for memory and files, and what files do after crashes and under others' hands.
import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryDeviceStore } from '../../../src/client/index.js';
import { FileDeviceStore } from '../../../src/client/node.js';
import { IndexedDbDeviceStore } from '../../../src/client/store/index.js';
import { DEVICE_STORE_CASES, sampleEntry, sampleState } from '../../support/device-store-contract.js';

let dir: string;
const open: FileDeviceStore[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sealrelay-store-'));
});

afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  rmSync(dir, { recursive: true, force: true });
});

async function files(): Promise<FileDeviceStore> {
  const store = await FileDeviceStore.open(join(dir, 'device'));
  open.push(store);
  return store;
}

async function reopenFiles(): Promise<FileDeviceStore> {
  await open.pop()?.close();
  return files();
}

describe.each(Object.entries(DEVICE_STORE_CASES))('%s', (_name, run) => {
  test('in memory', async () => {
    const store = new MemoryDeviceStore();
    await run(async () => ({ store, reopen: async () => store }));
  });

  test('in files', async () => {
    await run(async () => ({ store: await files(), reopen: reopenFiles }));
  });
});

describe('files', () => {
  test('what a crash tore off the end is cut off, and all before it is there', async () => {
    const store = await files();
    await store.outbox.put([sampleEntry(1)]);
    await store.outbox.put([sampleEntry(2)]);
    await store.save(sampleState(1));
    const path = join(dir, 'device', 'outbox');
    const whole = statSync(path).size;
    truncateSync(path, whole - 1);
    appendFileSync(join(dir, 'device', 'state'), Buffer.from([5, 0, 0, 0, 1, 2]));
    const again = await reopenFiles();
    expect((await again.outbox.load()).map(({ pushSeq }) => pushSeq)).toEqual([1]);
    expect(await again.load()).toEqual(sampleState(1));
    await again.outbox.put([sampleEntry(2)]);
    const third = await reopenFiles();
    expect((await third.outbox.load()).map(({ pushSeq }) => pushSeq)).toEqual([1, 2]);
  });

  test('files do not grow with what was forgotten', async () => {
    const store = await files();
    for (let pushSeq = 1; pushSeq <= 2000; pushSeq += 20) {
      await store.outbox.put(Array.from({ length: 20 }, (_, at) => sampleEntry(pushSeq + at)));
      await store.outbox.remove(pushSeq + 18);
    }
    expect(statSync(join(dir, 'device', 'outbox')).size).toBeLessThan(1.5 * 1024 * 1024);
    expect((await (await reopenFiles()).outbox.load()).map(({ pushSeq }) => pushSeq)).toEqual([2000]);
  });

  test('only the owner may read them', async () => {
    const store = await files();
    await store.save(sampleState(1));
    for (const name of readdirSync(join(dir, 'device'))) expect(statSync(join(dir, 'device', name)).mode & 0o077).toBe(0);
    expect(statSync(join(dir, 'device')).mode & 0o077).toBe(0);
  });

  test('a directory in use is refused, one left by a dead process is not', async () => {
    await files();
    await expect(FileDeviceStore.open(join(dir, 'device'))).rejects.toMatchObject({ code: 'storage_in_use', temporary: true });
    await open.pop()?.close();
    writeFileSync(join(dir, 'device', 'lock'), '999999999');
    await files();
    expect(readFileSync(join(dir, 'device', 'lock'), 'utf8')).toBe(String(process.pid));
  });

  test('bytes that are no state are named as damage', async () => {
    const store = await files();
    await store.save(sampleState(1));
    await open.pop()?.close();
    const { RecordLog } = await import('../../../src/client-node/record-log.js');
    const { log } = await RecordLog.open(join(dir, 'device', 'state'));
    await log.append([Buffer.from('{')]);
    await log.close();
    await expect(FileDeviceStore.open(join(dir, 'device'))).rejects.toMatchObject({ code: 'state_damaged' });
  });
});

test('where the platform has an IndexedDB and no locks, as in tests of apps, a device is simply there', async () => {
  const database = Object.assign(new EventTarget(), { name: 'sealrelay/x' });
  const request = Object.assign(new EventTarget(), { result: database });
  const factory = { open: () => (queueMicrotask(() => request.dispatchEvent(new Event('success'))), request) } as unknown as IDBFactory;
  vi.stubGlobal('navigator', undefined);
  const store = await IndexedDbDeviceStore.open('x', factory);
  expect(await store.hold()).toBeTypeOf('function');
  vi.unstubAllGlobals();
});
