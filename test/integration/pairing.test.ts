// Pairing over the real relay: real sockets, a relay that is killed in between, and a mailbox that is gone afterwards.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FileDeviceStore, createSpace, openSpace } from '../../src/client/node.js';
import type { Space, WebSocketConstructor } from '../../src/client/node.js';
import { joinSpace, linkOfRecoveryWords, offerPairing, recoveryWordsOf } from '../../src/client/pairing/node.js';
import { ManualNetwork } from '../support/manual-network.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';
import type { RelayProcess } from '../support/relay-process.js';
import { bytes, until } from '../support/test-space.js';

/** As some networks have it. */
const Blocked = function blocked(): never {
  throw new Error('blocked');
} as unknown as WebSocketConstructor;

describe.skipIf(!productBuilt())('pairing on the real relay (skipped unless the product is built)', () => {
  let dir: string;
  let port: number;
  let relay: RelayProcess;
  const spaces: Space[] = [];
  const findings: string[] = [];

  function tracked(space: Space): Space {
    spaces.push(space);
    space.on('misbehaviour', ({ kind, detail }) => findings.push(`${kind}: ${detail}`));
    return space;
  }

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-pairing-'));
    port = await freePort();
    relay = await startRelay({ dataDir: join(dir, 'data'), port });
  });

  afterEach(async () => {
    for (const space of spaces.splice(0)) await space.close();
    expect(findings.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('a relay that is killed while the code is shown; a device that is restarted once it is in; a mailbox that is erased', async () => {
    const network = new ManualNetwork();
    const environment = { network };
    const admin = tracked(await createSpace({ relay: relay.address, deviceName: 'Desk', environment }));
    await admin.push(bytes('before')).durable('relay');
    const offer = offerPairing({ space: admin, environment });
    await offer.offer();
    const { code, link } = offer.getSnapshot();
    await relay.kill();
    relay = await startRelay({ dataDir: join(dir, 'data'), port });
    // Coming back is tried at once; that it is tried without a word from the platform is shown elsewhere.
    network.tell('back');
    const storage = await FileDeviceStore.open(join(dir, 'phone'));
    const phone = await joinSpace({ code: link ?? '', storage, deviceName: 'Phone' });
    await phone.whenSynced();
    await until('paired', () => offer.getSnapshot().phase === 'paired');
    await phone.close();
    const again = await openSpace({ storage });
    again.on('misbehaviour', ({ kind }) => findings.push(kind));
    const texts: string[] = [];
    again.subscribe(({ items }) => texts.push(...items.map((item) => new TextDecoder().decode(item))));
    again.push(bytes('after'));
    await again.whenSynced();
    await until('both are named', () => [admin, again].every((space) => space.devices().map(({ name }) => name).toSorted().join() === 'Desk,Phone'));
    await offer.settled();
    await expect(joinSpace({ code: code ?? '', relay: relay.address })).rejects.toMatchObject({ code: 'pairing_unknown' });
    expect(again.link).toBeNull();
    await again.close();
    await storage.close();
  });

  test('where WebSockets are blocked a device comes in over HTTP', async () => {
    const admin = tracked(await createSpace({ relay: relay.address }));
    await admin.push(bytes('before')).durable('relay');
    const offer = offerPairing({ space: admin, webSocket: Blocked });
    await offer.offer();
    const phone = tracked(await joinSpace({ code: offer.getSnapshot().link ?? '', webSocket: Blocked }));
    await phone.whenSynced();
    expect([phone.size, admin.devices().length]).toEqual([1, 2]);
    await offer.settled();
  });

  test('24 words on paper open the space where every device is lost', async () => {
    const first = await createSpace({ relay: relay.address });
    await first.push(bytes('kept')).durable('relay');
    const words = recoveryWordsOf(first.link ?? '');
    await first.close();
    const restored = tracked(await openSpace({ link: linkOfRecoveryWords(words, relay.address) }));
    const texts: string[] = [];
    restored.subscribe(({ items }) => texts.push(...items.map((item) => new TextDecoder().decode(item))));
    await restored.whenSynced();
    expect(texts).toEqual(['kept']);
    expect(restored.link).not.toBeNull();
  });
});
