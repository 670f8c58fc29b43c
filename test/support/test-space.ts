// Spaces on an in-memory relay, with everything they told written down.
import type { OpenTransport } from '../../src/client/transport/transport.js';
import type { Misbehaviour } from '../../src/client/misbehaviour.js';
import type { EntrySealer } from '../../src/client/sync/entry-sealer.js';
import { createSpaceWith, openSpaceWith } from '../../src/client/space/open.js';
import type { OpenSpaceOptions } from '../../src/client/space/open.js';
import type { Space } from '../../src/client/space/space.js';
import { failover } from '../../src/client/region/index.js';
import { snapshots } from '../../src/client/snapshots/index.js';
import type { SnapshotCalls, SnapshotHandler } from '../../src/client/snapshots/index.js';
import type { EntryEvent, SpaceEvents } from '../../src/client/space/space-events.js';

/** What a test needs of a relay. */
export interface RelayUnderTest {
  address(): string;
  transport(): OpenTransport;
}

/** A space and what it told. */
export interface TestDevice {
  readonly space: Space & SnapshotCalls;
  readonly entries: EntryEvent[];
  readonly findings: Misbehaviour[];
  readonly errors: string[];
  readonly warnings: string[];
  readonly told: Partial<Record<keyof SpaceEvents, number>>;
  /** All items, as text, in the order they came. */
  texts(): string[];
}

/** With `snapshot` and with `failsOver` the space has those parts. */
export type TestOptions = Omit<OpenSpaceOptions, 'link' | 'parts'> & { readonly sealer?: EntrySealer; readonly snapshot?: SnapshotHandler; readonly failsOver?: boolean };

export async function createDevice(relay: RelayUnderTest, options: TestOptions = {}): Promise<TestDevice> {
  return record(await createSpaceWith({ relay: relay.address(), batchWindowMs: 0, ...options, parts: partsOf(options) }, internals(relay, options)));
}

export async function openDevice(relay: RelayUnderTest, link: string | null, options: TestOptions = {}): Promise<TestDevice> {
  return record(await openSpaceWith({ ...(link === null ? {} : { link }), batchWindowMs: 0, ...options, parts: partsOf(options) }, internals(relay, options)));
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

const LOOK_MS = 5;

/** Resolves when the condition holds; fails after `timeoutMs` with what was waited for, or later on a machine that is too busy to look as often. */
export async function until(what: string, reached: () => boolean, timeoutMs = 8000): Promise<void> {
  for (let looks = Math.ceil(timeoutMs / LOOK_MS); !reached(); looks -= 1) {
    if (looks <= 0) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_MS);
    });
  }
}

export function kinds(device: TestDevice): string[] {
  return device.findings.map(({ kind }) => kind);
}

// A test that gives no handler makes no snapshot.
function partsOf({ snapshot, failsOver = false }: TestOptions): [ReturnType<typeof snapshots>] {
  return [...(snapshot === undefined ? [] : [snapshots(snapshot)]), ...(failsOver ? [failover] : [])] as unknown as [ReturnType<typeof snapshots>];
}

function internals(relay: RelayUnderTest, { sealer }: TestOptions): { openTransport: OpenTransport; sealer?: EntrySealer } {
  return { openTransport: relay.transport(), ...(sealer === undefined ? {} : { sealer }) };
}

function record(space: Space & SnapshotCalls): TestDevice {
  const device: TestDevice = {
    space,
    entries: [],
    findings: [],
    errors: [],
    warnings: [],
    told: {},
    texts: () => device.entries.flatMap(({ items }) => items.map((item) => new TextDecoder().decode(item))),
  };
  const count = (name: keyof SpaceEvents): void => {
    device.told[name] = (device.told[name] ?? 0) + 1;
  };
  space.on('entry', (entry) => device.entries.push(entry));
  space.on('misbehaviour', (finding) => device.findings.push(finding));
  space.on('error', (error) => device.errors.push(`${error.code}: ${error.message}`));
  space.on('warning', ({ code }) => device.warnings.push(code));
  for (const name of ['log-reset', 'entry-rejected', 'roster', 'ack', 'write-state', 'warning'] as const) space.on(name, () => count(name));
  return device;
}
