// What a page says of its network, and what a person is asked before leaving it.
import { expect, test } from 'vitest';
import { createEd25519 } from '../../../src/client/crypto/ed25519.js';
import { ClientError } from '../../../src/client/client-error.js';
import { ConnectionDriver } from '../../../src/client/connection/driver.js';
import { pageNetwork } from '../../../src/client/connection/network.js';
import type { PageLike } from '../../../src/client/connection/network.js';
import { platformEnvironment } from '../../../src/client/environment.js';
import { guardUnsynced } from '../../../src/client/guard-unsynced.js';
import type { TransportEvents } from '../../../src/client/transport/transport.js';
import { ZEROS } from '../../../src/protocol/hash.js';
import { ManualClock } from '../../support/manual-clock.js';
import { ManualNetwork } from '../../support/manual-network.js';

class Page extends EventTarget {
  readonly document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  readonly navigator = { onLine: true, connection: new EventTarget() };

  tell(type: string, more: { readonly persisted?: boolean } = {}): Event {
    const event = Object.assign(new Event(type, { cancelable: true }), more);
    this.dispatchEvent(event);
    return event;
  }
}

function listening() {
  const page = new Page();
  const heard: string[] = [];
  const network = pageNetwork(page as PageLike);
  const stop = network!.listen((event) => heard.push(event));
  return { page, network: network!, heard, stop };
}

test('offline and online events are told, and a change of the network while there is one', () => {
  const { page, network, heard, stop } = listening();
  page.navigator.onLine = false;
  page.tell('offline');
  expect(network.online).toBe(false);
  page.navigator.connection.dispatchEvent(new Event('change'));
  page.navigator.onLine = true;
  page.tell('online');
  page.navigator.connection.dispatchEvent(new Event('change'));
  expect(heard).toEqual(['lost', 'back', 'back']);
  stop();
  page.tell('offline');
  page.navigator.connection.dispatchEvent(new Event('change'));
  page.document.dispatchEvent(new Event('visibilitychange'));
  expect(heard).toHaveLength(3);
});

test('a page that is seen again is worth a look, one that is hidden is not', () => {
  const { page, heard } = listening();
  page.document.visibilityState = 'hidden';
  page.document.dispatchEvent(new Event('visibilitychange'));
  expect(heard).toEqual([]);
  page.document.visibilityState = 'visible';
  page.document.dispatchEvent(new Event('visibilitychange'));
  expect(heard).toEqual(['back']);
});

test('a page kept for the back button has no network until it is shown again; one that is left for good says nothing', () => {
  const { page, network, heard } = listening();
  page.tell('pagehide', { persisted: false });
  page.tell('pageshow', { persisted: false });
  expect(heard).toEqual([]);
  page.tell('pagehide', { persisted: true });
  expect(network.online).toBe(false);
  page.document.dispatchEvent(new Event('visibilitychange'));
  expect(heard).toEqual(['lost']);
  page.tell('pageshow', { persisted: true });
  expect(heard).toEqual(['lost', 'back']);
  expect(network.online).toBe(true);
});

test('Node says nothing of its network', () => {
  expect(platformEnvironment().network).toBeUndefined();
});

test('a page with unsynced changes asks before it is left', () => {
  const page = new Page();
  const space = { hasUnsyncedChanges: false };
  const stop = guardUnsynced(space, page as PageLike);
  expect(page.tell('beforeunload').defaultPrevented).toBe(false);
  space.hasUnsyncedChanges = true;
  // Older browsers look at the second one.
  const asked = Object.defineProperty(new Event('beforeunload', { cancelable: true }), 'returnValue', { value: '', writable: true });
  page.dispatchEvent(asked);
  expect([asked.defaultPrevented, asked.returnValue]).toEqual([true, true]);
  stop();
  expect(page.tell('beforeunload').defaultPrevented).toBe(false);
  guardUnsynced(space)();
});

async function driverWith(network: ManualNetwork) {
  const clock = Object.assign(new ManualClock(), { network });
  const attempts: TransportEvents[] = [];
  const openTransport = (_url: string, events: TransportEvents) => {
    attempts.push(events);
    return { bufferedBytes: 0, send: () => undefined, close: () => undefined };
  };
  const driver = new ConnectionDriver(
    { environment: clock, openTransport, ed25519: await createEd25519(), url: 'ws://localhost', frames: [] },
    {
      offer: () => ({ space: ZEROS, logId: ZEROS, identity: { key: ZEROS, seed: ZEROS }, rosterVersion: 0, rosterHash: ZEROS, news: { chain: [], keyring: new Uint8Array() } }),
      opened: async () => undefined,
      frame: async () => undefined,
      down: () => undefined,
      refused: () => false,
      failure: (cause) => new ClientError('internal', String(cause)),
      stateChanged: () => undefined,
    },
  );
  return { clock, attempts, driver };
}

test('a driver tries nothing for an hour without a network, and tries at once when it is back', async () => {
  const network = new ManualNetwork();
  network.online = false;
  const { clock, attempts, driver } = await driverWith(network);
  driver.goOnline();
  clock.advance(3_600_000);
  expect(attempts).toHaveLength(0);
  network.tell('back');
  expect(attempts).toHaveLength(1);
  attempts[0]!.closed({ code: 1006, reason: '' });
  network.tell('lost');
  clock.advance(3_600_000);
  expect(attempts).toHaveLength(1);
  network.tell('back');
  expect(attempts).toHaveLength(2);
});

test('a driver that is closed hears of the network no more', async () => {
  const network = new ManualNetwork();
  const { attempts, driver } = await driverWith(network);
  expect(network.listeners).toBe(1);
  driver.dispatch({ type: 'close' });
  expect(network.listeners).toBe(0);
  network.tell('back');
  expect(attempts).toHaveLength(0);
});
