// The driver with a transport and a clock of its own: timeouts, heartbeat, and the relay's wishes about coming back.
import { expect, test } from 'vitest';
import { createEd25519 } from '../../../src/client/crypto/ed25519.js';
import { ClientError } from '../../../src/client/client-error.js';
import { ConnectionDriver } from '../../../src/client/connection/driver.js';
import { CONNECT_TIMEOUT_MS } from '../../../src/client/limits.js';
import type { OpenTransport, TransportEvents } from '../../../src/client/transport/transport.js';
import { webSocketTransport } from '../../../src/client/transport/websocket-transport.js';
import { ZEROS } from '../../../src/protocol/hash.js';
import { encodeRelayFrame } from '../../../src/protocol/relay-frame-codec.js';
import { ERRORS } from '../../../src/protocol/errors.js';
import { InboundQueue } from '../../../src/client/connection/inbound-queue.js';
import { INBOUND_BYTES_MAX } from '../../../src/client/limits.js';
import { ManualClock } from '../../support/manual-clock.js';
import { ManualNetwork } from '../../support/manual-network.js';

async function driverOn({ network, openTransport: given }: { readonly network?: ManualNetwork; readonly openTransport?: OpenTransport } = {}) {
  const clock = new ManualClock();
  const attempts: TransportEvents[] = [];
  const closes: number[] = [];
  const states: string[] = [];
  let overcomes = false;
  let full = false;
  const send = (): void => {
    if (full) throw new ClientError('offline', 'the send buffer is full', { temporary: true });
  };
  const recorded: OpenTransport = (_url, events) => {
    attempts.push(events);
    return { bufferedBytes: 0, send, close: (code: number) => void closes.push(code) };
  };
  const driver = new ConnectionDriver(
    { environment: network === undefined ? clock : Object.assign(clock, { network }), openTransport: given ?? recorded, ed25519: await createEd25519(), url: 'ws://localhost', frames: [] },
    {
      offer: () => ({ space: ZEROS, logId: ZEROS, identity: { key: ZEROS, seed: ZEROS }, rosterVersion: 0, rosterHash: ZEROS, news: { chain: [], keyring: new Uint8Array() } }),
      opened: async () => undefined,
      frame: async () => undefined,
      down: () => undefined,
      refused: () => overcomes,
      failure: (cause) => new ClientError('internal', String(cause)),
      stateChanged: ({ kind }) => void states.push(kind),
    },
  );
  driver.goOnline();
  return { clock, attempts, closes, states, driver, overcome: () => void (overcomes = true), fill: () => void (full = true) };
}

test('a transport that does not open in time is given up, and tried again after the back-off', async () => {
  const { clock, attempts, states } = await driverOn();
  clock.advance(CONNECT_TIMEOUT_MS);
  expect(states).toEqual(['connecting', 'backing-off']);
  clock.advance(10_000);
  expect(attempts).toHaveLength(2);
});

test('a relay that stops in the middle of a handshake is come back to at the time it named, and is not taken for another one', async () => {
  const { clock, attempts, states, driver } = await driverOn();
  attempts[0]!.opened();
  attempts[0]!.message(encodeRelayFrame({ type: 'Goaway', reason: ERRORS.draining.code, reconnectAfterMs: 5000, reconnectSpreadMs: 0 }));
  attempts[0]!.closed({ code: 1012, reason: '' });
  await driver.idle();
  await Promise.resolve();
  expect(states).toEqual(['connecting', 'handshaking', 'backing-off']);
  clock.advance(4999);
  expect(attempts).toHaveLength(1);
  clock.advance(10_000);
  expect(attempts).toHaveLength(2);
});

test('ways to the relay are told of another network before anything is tried there', async () => {
  const network = new ManualNetwork();
  const happened: string[] = [];
  const openTransport = Object.assign(() => {
    happened.push('opened');
    return { bufferedBytes: 0, send: () => undefined, close: () => undefined };
  }, { networkChanged: () => void happened.push('told') });
  const { driver } = await driverOn({ network, openTransport });
  network.tell('lost');
  network.tell('back');
  expect(happened).toEqual(['opened', 'told', 'opened']);
  driver.dispatch({ type: 'close' });
  network.tell('back');
  expect([happened.length, network.listeners]).toEqual([3, 0]);
});

test('an Error with a retry-after is obeyed', async () => {
  const { clock, attempts, states, driver } = await driverOn();
  attempts[0]!.opened();
  attempts[0]!.message(encodeRelayFrame({ type: 'Error', code: ERRORS.overloaded.code, context: 0, retryAfterMs: 5000, detail: new Uint8Array() }));
  attempts[0]!.closed({ code: 1013, reason: '' });
  await driver.idle();
  await Promise.resolve();
  expect(states.at(-1)).toBe('backing-off');
  clock.advance(4999);
  expect(attempts).toHaveLength(1);
  clock.advance(1000);
  expect(attempts).toHaveLength(2);
});

test('a refusal that a retry would repeat fails', async () => {
  const { attempts, driver } = await driverOn();
  attempts[0]!.opened();
  attempts[0]!.message(encodeRelayFrame({ type: 'Error', code: ERRORS.unsupported_version.code, context: 0, retryAfterMs: 0, detail: new Uint8Array() }));
  await driver.idle();
  expect(driver.state).toMatchObject({ kind: 'failed', error: { code: 'unsupported_version', temporary: false } });
});

test('garbage in the place of a challenge fails', async () => {
  const { attempts, driver } = await driverOn();
  attempts[0]!.opened();
  attempts[0]!.message(Uint8Array.of(0xff, 1, 2));
  await driver.idle();
  expect(driver.state.kind).toBe('failed');
});

test.each([
  [4400, 'failed'],
  [4403, 'failed'],
  [4499, 'failed'],
  [4500, 'backing-off'],
  [1012, 'backing-off'],
  [1006, 'backing-off'],
])('a close with code %i and no Error frame: %s', async (code, state) => {
  const { attempts, driver } = await driverOn();
  attempts[0]!.opened();
  attempts[0]!.closed({ code, reason: '' });
  await driver.idle();
  expect(driver.state.kind).toBe(state);
});

test('a refusal that the next offer may overcome is followed by a return, whatever the close code', async () => {
  const { attempts, driver, overcome } = await driverOn();
  overcome();
  attempts[0]!.opened();
  attempts[0]!.message(encodeRelayFrame({ type: 'Error', code: ERRORS.handshake_failed.code, context: 0, retryAfterMs: 0, detail: new Uint8Array() }));
  attempts[0]!.closed({ code: 4401, reason: '' });
  await driver.idle();
  await Promise.resolve();
  expect(driver.state.kind).toBe('backing-off');
});

test('a send buffer that is full ends the connection and not the program', async () => {
  const { attempts, driver, fill } = await driverOn();
  fill();
  attempts[0]!.opened();
  expect(driver.state.kind).toBe('backing-off');
});

test('the inbound queue keeps the order, and bounds bytes and messages', () => {
  const queue = new InboundQueue();
  for (let i = 0; i < 5000; i += 1) queue.add(Uint8Array.of(i & 0xff, i >> 8));
  const taken = Array.from({ length: 5000 }, () => queue.take() ?? []).map(([low = 0, high = 0]) => low + 256 * high);
  expect(taken).toEqual(Array.from({ length: 5000 }, (_, i) => i));
  expect([queue.take(), queue.empty, queue.full]).toEqual([undefined, true, false]);
  for (let i = 0; !queue.full && i < INBOUND_BYTES_MAX / 64; i += 1) queue.add(new Uint8Array(1));
  expect(queue.full).toBe(true);
  queue.clear();
  expect([queue.empty, queue.full]).toEqual([true, false]);
});

test('a WebSocket transport hands on binary messages only, and one close', () => {
  const listeners = new Map<string, (event: never) => void>();
  const sent: unknown[] = [];
  let readyState = 1;
  class FakeWebSocket {
    binaryType = 'blob';
    get readyState(): number {
      return readyState;
    }
    bufferedAmount = 0;
    send(data: unknown): void {
      sent.push(data);
    }
    close(code?: number): void {
      sent.push(code);
    }
    addEventListener(type: string, listener: (event: never) => void): void {
      listeners.set(type, listener);
    }
  }
  const seen: unknown[] = [];
  const transport = webSocketTransport(FakeWebSocket)('ws://x', {
    opened: () => seen.push('opened'),
    message: (message) => seen.push(message.length),
    closed: ({ code }) => seen.push(code),
  });
  const fire = (type: string, event: object): void => listeners.get(type)?.(event as never);
  fire('open', {});
  fire('message', { data: new ArrayBuffer(3) });
  fire('message', { data: 'text' });
  fire('error', {});
  fire('close', { code: 1012, reason: '' });
  fire('close', { code: 1000, reason: '' });
  transport.send(new Uint8Array(2));
  readyState = 2;
  transport.send(new Uint8Array(9));
  expect(seen).toEqual(['opened', 3, 1012]);
  expect(sent).toEqual([1003, new Uint8Array(2)]);
});
