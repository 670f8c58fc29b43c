// Devices of one space behind a proxy that cuts every connection at random moments, while all of them push.
import { setMaxListeners } from 'node:events';
import { createSpace, openSpace } from '../../src/client/node.ts';
import type { Space, WebSocketConstructor, Write } from '../../src/client/node.ts';
import { CuttingProxy } from '../support/cutting-proxy.ts';

const DEVICES = 4;
const CUT_WAIT_MS_MAX = 40;
/** The share of rounds in which a network comes back before the next cut, so that something is stored between them. */
const BACK_SHARE = 0.8;
const SYNC_MS_MAX = 60_000;
/** What others stored a moment ago may still be on its way to a device that is synced with what it knows. */
const READ_MS_MAX = 10_000;

export interface DisconnectOptions {
  /** Connections to cut. */
  readonly cuts: number;
  readonly endMs: number;
  readonly seed: number;
  readonly relay: { readonly address: string; readonly port: number };
  /** A WebSocket made wrong on purpose. */
  readonly webSocket?: WebSocketConstructor;
}

export interface DisconnectReport {
  readonly cuts: number;
  readonly pushed: number;
  /** Items that a device did not read, or read more than once, over all devices. */
  readonly lost: number;
  readonly doubled: number;
  /** Devices that read in another order than the first. */
  readonly otherOrders: number;
  readonly findings: readonly string[];
}

/** A generator of numbers from 0 to 1 that repeats with its seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function runDisconnects(options: DisconnectOptions): Promise<DisconnectReport> {
  const random = randomOf(options.seed);
  const proxy = await CuttingProxy.to(options.relay.port);
  const base = { batchWindowMs: 1, ...(options.webSocket === undefined ? {} : { webSocket: options.webSocket }) };
  const first = await createSpace({ relay: proxy.over(options.relay.address), ...base });
  await first.whenSynced();
  const devices: Space[] = [first];
  while (devices.length < DEVICES) devices.push(await openSpace({ link: first.link ?? '', ...base }));
  const findings: string[] = [];
  const read = devices.map((device) => listen(device, findings));
  await Promise.all(devices.map((device) => device.whenSynced()));
  const expected: string[] = [];
  const writes: Write[] = [];
  while (proxy.cuts < options.cuts && Date.now() < options.endMs) {
    devices.forEach((device, at) => {
      const item = `${at}:${expected.length}`;
      expected.push(item);
      writes.push(device.push(new TextEncoder().encode(item)));
    });
    await sleep(random() * CUT_WAIT_MS_MAX);
    proxy.cut();
    if (random() < BACK_SHARE) devices.forEach((device) => device.goOnline());
  }
  // The network stays: whoever finds out only now that it was cut need not wait as long as after so many failures.
  for (const device of devices) {
    device.on('status', ({ status }) => void (status === 'offline' && device.goOnline()));
    device.goOnline();
  }
  const signal = AbortSignal.timeout(SYNC_MS_MAX);
  setMaxListeners(0, signal);
  const settled = await Promise.allSettled(writes.map((write) => write.durable('relay', { signal })));
  const late = settled.filter(({ status }) => status === 'rejected').length;
  if (late > 0) findings.push(`${late} writes got no receipt`);
  await Promise.all(devices.map((device) => device.whenSynced({ signal }).catch(() => findings.push('a device was not synced in time'))));
  for (const until = Date.now() + READ_MS_MAX; Date.now() < until && read.some((items) => items.length < expected.length); ) await sleep(5);
  for (const device of devices) await device.close();
  const { cuts } = proxy;
  await proxy.close();
  return { cuts, pushed: expected.length, ...compared(expected, read), findings };
}

function listen(device: Space, findings: string[]): string[] {
  const items: string[] = [];
  device.subscribe((entry) => items.push(...entry.items.map((item) => new TextDecoder().decode(item))));
  device.on('misbehaviour', ({ kind, detail }) => findings.push(`${kind}: ${detail}`));
  device.on('error', ({ code, message }) => findings.push(`${code}: ${message}`));
  device.on('entry-rejected', ({ reason }) => findings.push(`rejected: ${reason}`));
  return items;
}

function compared(expected: readonly string[], read: readonly (readonly string[])[]): Pick<DisconnectReport, 'lost' | 'doubled' | 'otherOrders'> {
  const counts = { lost: 0, doubled: 0, otherOrders: 0 };
  for (const items of read) {
    const seen = new Set(items);
    counts.lost += expected.filter((item) => !seen.has(item)).length;
    counts.doubled += items.length - seen.size;
    if (items.join() !== read[0]?.join()) counts.otherOrders += 1;
  }
  return counts;
}
