// Snapshots that a relay drops for newer ones, or loses count of, while a device sends, reads or has just opened them.
import { afterEach, expect, test } from 'vitest';
import { SNAPSHOT_BEGINS_MAX, SNAPSHOT_DOWNLOADS_MAX } from '../../../src/client/limits.js';
import { HonestRelay } from '../../support/honest-relay.js';
import type { RelaySession, Snapshot, SpaceRecord } from '../../support/honest-relay.js';
import { bytes, createDevice, kinds, openDevice, until } from '../../support/test-space.js';
import type { TestDevice } from '../../support/test-space.js';

const CHUNK_BYTES = 65_536;
const devices: TestDevice[] = [];

afterEach(async () => {
  for (const { space } of devices.splice(0)) await space.close();
});

function tracked(device: TestDevice): TestDevice {
  devices.push(device);
  return device;
}

function quiet(...all: TestDevice[]): void {
  expect(all.flatMap((device) => [...kinds(device), ...device.errors])).toEqual([]);
}

/** Loses the upload under way at every chunk with that index, so many times. */
class ForgetfulRelay extends HonestRelay {
  losses = 0;

  protected override uploadOf(space: SpaceRecord, id: Uint8Array): Snapshot | undefined {
    const upload = super.uploadOf(space, id);
    if (upload === undefined || upload.chunks.length !== 5 || this.losses === 0) return upload;
    this.losses -= 1;
    space.snapshots = space.snapshots.filter((snapshot) => snapshot !== upload);
    return undefined;
  }
}

test('an upload that the relay dropped is begun again, and what it says of the chunks on their way is told to nobody', async () => {
  const relay = await new ForgetfulRelay().start();
  const device = tracked(await createDevice(relay, { snapshot: { create: () => new Uint8Array(20 * CHUNK_BYTES), load: () => undefined } }));
  await device.space.push(bytes('one')).durable('relay');
  relay.losses = 2;
  expect(await device.space.snapshot()).toBe(1);
  expect(relay.losses).toBe(0);
  quiet(device);
});

test('a relay that never keeps an upload is told to the app in the end, once', async () => {
  const relay = await new ForgetfulRelay().start();
  const device = tracked(await createDevice(relay, { snapshot: { create: () => new Uint8Array(20 * CHUNK_BYTES), load: () => undefined } }));
  await device.space.push(bytes('one')).durable('relay');
  relay.losses = Number.POSITIVE_INFINITY;
  await expect(device.space.snapshot()).rejects.toMatchObject({ code: 'snapshot_unknown' });
  relay.losses = 0;
  await device.space.push(bytes('two')).durable('relay');
  expect(await device.space.snapshot()).toBe(2);
  expect(SNAPSHOT_BEGINS_MAX).toBeGreaterThan(1);
  quiet(device);
});

/** Shows its oldest snapshot until a part of it was read, and only newer ones from then on. */
class MovingRelay extends HonestRelay {
  #shown = 0;

  protected override snapshotsOf(_session: RelaySession, space: SpaceRecord): readonly Snapshot[] {
    this.#shown += 1;
    return this.#shown === 1 ? space.snapshots.slice(0, 1) : space.snapshots.slice(1);
  }
}

test('a device whose snapshot went while it was read starts from the newer one', async () => {
  const relay = await new MovingRelay().start();
  const state = (text: string): Uint8Array => {
    const whole = new Uint8Array(24 * CHUNK_BYTES);
    whole.set(bytes(text));
    return whole;
  };
  let texts = '';
  const author = tracked(await createDevice(relay, { snapshot: { create: () => state(texts), load: () => undefined } }));
  for (const text of ['one', 'two']) {
    texts += text;
    await author.space.push(bytes(text)).durable('relay');
    await author.space.snapshot();
  }
  const loaded: string[] = [];
  const load = (got: Uint8Array): void => void loaded.push(new TextDecoder().decode(got.subarray(0, 6)));
  const late = tracked(await openDevice(relay, author.space.link, { snapshot: { create: () => bytes(''), load } }));
  await late.space.whenSynced();
  expect(loaded).toEqual(['onetwo']);
  quiet(author, late);
});

/** While it moves, no snapshot is there any more when its second part is asked for. */
class RestlessRelay extends HonestRelay {
  isMoving = true;
  asked = 0;

  protected override snapshotsOf(_session: RelaySession, space: SpaceRecord): readonly Snapshot[] {
    this.asked += 1;
    return this.isMoving && this.asked % 2 === 0 ? [] : space.snapshots;
  }
}

test('a device for which every snapshot goes while it is read asks on in new sessions, and comes in when one stays', async () => {
  const relay = await new RestlessRelay().start();
  const author = tracked(await createDevice(relay, { snapshot: { create: () => new Uint8Array(24 * CHUNK_BYTES), load: () => undefined } }));
  await author.space.push(bytes('one')).durable('relay');
  await author.space.snapshot();
  let loaded = 0;
  const late = tracked(await openDevice(relay, author.space.link, { environment: { random: () => 0.01 }, snapshot: { create: () => bytes(''), load: () => void (loaded += 1) } }));
  await until('it has come back and asked again', () => relay.asked > 2 * SNAPSHOT_DOWNLOADS_MAX + 1);
  relay.isMoving = false;
  await late.space.whenSynced();
  expect(loaded).toBe(1);
  quiet(author, late);
});

test('a snapshot that went while the app loaded it is as good as any, and its ack bothers nobody', async () => {
  const relay = await new HonestRelay().start();
  const author = tracked(await createDevice(relay, { snapshot: { create: () => bytes('state'), load: () => undefined } }));
  await author.space.push(bytes('one')).durable('relay');
  await author.space.snapshot();
  const load = (): void => void relay.disk().snapshots.splice(0);
  const late = tracked(await openDevice(relay, author.space.link, { snapshot: { create: () => bytes(''), load } }));
  await late.space.whenSynced();
  await late.space.push(bytes('two')).durable('relay');
  await until('the author has it', () => author.texts().includes('two'));
  quiet(author, late);
});
