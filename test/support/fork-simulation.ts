/*
 * Split views, many of them: four devices of one space, the product's client in each, and a relay that shows two groups of them two logs
 * of one key. It withholds all acks, so that only what devices seal can tell. Then one entry crosses, from one group to the other: that
 * is the first message by which anybody can notice, and somebody must.
 *
 * An author tells what it has read, so the entry that crosses is one whose author had read something of its own branch.
 */
import { platformEnvironment } from '../../src/client/environment.js';
import type { Environment } from '../../src/client/environment.js';
import { MemoryDeviceStore } from '../../src/client/store/device-store.js';
import type { DeviceState } from '../../src/client/store/device-store.js';
import { openEntry, sealEntry } from '../../src/client/crypto/seal.js';
import type { EntrySealer } from '../../src/client/sync/entry-sealer.js';
import type { Space } from '../../src/client/space/space.js';
import { createSpaceWith, openSpaceWith } from '../../src/client/space/open.js';
import type { Attestation } from '../../src/protocol/attestation.js';
import { ZEROS, genesisLeaf } from '../../src/protocol/hash.js';
import { toHex } from '../../src/protocol/hex.js';
import { CompactRange } from '../../src/protocol/merkle.js';
import { HonestRelay, copyOf, leafOf, sizeOf } from './honest-relay.js';
import type { RelaySession, SpaceRecord, StoredEntry } from './honest-relay.js';

const DEVICES = 4;
/** Entries before the fork, and of each group after it, at most. */
const BEFORE_MAX = 6;
const BRANCH_MAX = 5;
const STEPS_MAX = 14;
/** On a machine that is busy with something else, too. */
const WAIT_MS_MAX = 180_000;
/** How long is waited for what may not come. */
const LENIENT_MS_MAX = 1000;
/** Waits of a device below this (back-off, acks) take a fiftieth of their time. */
const SHORT_MS = 2000;
const HURRIED_TURNS = 20;
const HASTE = 50;
/** How long a statement about a head is shown again. */
const ATTESTED_MS = 10;

/** Devices that tell nobody what they have seen: the control. */
export const SILENT_SEALER: EntrySealer = { seal: (input) => sealEntry({ ...input, seen: [] }), open: openEntry };

/** A generator of whole numbers below a bound that repeats with its seed. */
export type Pick = (below: number) => number;

export function pickerOf(seed: number): Pick {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A relay that can show groups of devices logs of their own. Without groups it is honest, but for the acks. */
class SplitRelay extends HonestRelay {
  /** Whether devices hear of each other's acks. */
  acks = false;
  readonly #branches = new Map<string, SpaceRecord>();

  /** What was folded of a log, which grows by the end only. */
  readonly #folds = new WeakMap<readonly StoredEntry[], { readonly range: CompactRange; readonly origin: SpaceRecord['origin']; size: number }>();

  readonly #attested = new WeakMap<readonly StoredEntry[], { readonly size: number; readonly origin: SpaceRecord['origin']; readonly until: number; readonly attestation: Promise<Attestation> }>();

  /** As the product does it, all who are shown one head at one moment are shown one statement. */
  protected override attest(session: RelaySession, space: SpaceRecord, size: number, pushes: Uint8Array = ZEROS): Promise<Attestation> {
    if (pushes !== ZEROS) return super.attest(session, space, size, pushes);
    const known = this.#attested.get(space.entries);
    const now = performance.now();
    if (known !== undefined && known.size === size && known.origin === space.origin && now < known.until) return known.attestation;
    const attestation = super.attest(session, space, size, pushes);
    this.#attested.set(space.entries, { size, origin: space.origin, until: now + ATTESTED_MS, attestation });
    return attestation;
  }

  protected override headAt(space: SpaceRecord, size: number, ids: { space: Uint8Array }): Uint8Array {
    const known = this.#folds.get(space.entries);
    if (known !== undefined && (known.origin !== space.origin || known.size > size)) return super.headAt(space, size, ids);
    const fold = known ?? { range: new CompactRange(), origin: space.origin, size: space.origin.baseSize };
    if (known === undefined) fold.range.push(genesisLeaf({ space: ids.space, logId: this.logId, ...space.origin }));
    for (const entry of space.entries.slice(fold.size, size)) fold.range.push(leafOf(entry));
    fold.size = size;
    this.#folds.set(space.entries, fold);
    return fold.range.root();
  }

  /** A space of another relay with the same key, as it was on its disk. */
  take(from: SplitRelay | HonestRelay, disk: SpaceRecord, space: string): void {
    if (from instanceof SplitRelay) {
      this.seed = from.seed;
      this.logId = from.logId;
    }
    this.spaces.set(space, copyOf(disk));
  }

  split(groups: readonly (readonly string[])[]): void {
    for (const group of groups) {
      const branch = { ...copyOf(this.disk()), marks: this.disk().marks };
      for (const device of group) this.#branches.set(device, branch);
    }
  }

  /** Shows one device a log reset that the others never hear of, from its next connection on. */
  async resetFor(device: string): Promise<void> {
    const disk = this.disk();
    const before = this.log(device);
    const branch = { ...copyOf(before), marks: new Map(before.marks) };
    const alone = new SplitRelay();
    alone.take(this, branch, 'space');
    alone.ed25519 = this.ed25519;
    await alone.restore(new Map([['space', branch]]));
    this.#branches.set(device, { ...alone.disk(), marks: disk.marks });
    this.crash();
  }

  /** The log as that device is shown it. */
  log(device: string): SpaceRecord {
    return this.#branches.get(device) ?? this.disk();
  }

  /** The entry is shown to the other group, as if it had been pushed there. */
  async cross(entry: StoredEntry, device: string): Promise<void> {
    this.log(device).entries.push(entry);
    await this.fanOut(this.disk());
  }

  protected override viewOf(session: RelaySession): SpaceRecord {
    return this.log(toHex(session.device));
  }

  protected override append(session: RelaySession, _space: SpaceRecord, entries: readonly StoredEntry[]): void {
    this.viewOf(session).entries.push(...entries);
  }

  protected override forwardsAcks(): boolean {
    return this.acks;
  }
}

/** Real time, but that nobody waits long. */
const HASTY: Partial<Environment> = { after: (ms, call) => platformEnvironment().after(ms < SHORT_MS ? ms / HASTE : ms, call) };

/** A space that all runs begin with: made once, because founding and joining take longest. */
export interface World {
  readonly relay: SplitRelay;
  readonly space: string;
  readonly disk: SpaceRecord;
  readonly states: readonly DeviceState[];
}

export async function makeWorld(): Promise<World> {
  const relay = await new SplitRelay().start();
  const internals = { openTransport: relay.transport() };
  const stores = Array.from({ length: DEVICES }, () => new MemoryDeviceStore());
  const first = await createSpaceWith({ relay: relay.address(), storage: stores[0] ?? new MemoryDeviceStore() }, internals);
  await first.whenSynced();
  const spaces = [first];
  for (const storage of stores.slice(1)) spaces.push(await openSpaceWith({ link: first.link ?? '', storage }, internals));
  await turnsUntil(() => spaces.every((space) => space.devices().length === DEVICES), 'everybody knows everybody');
  for (const space of spaces) await space.close();
  const states = await Promise.all(stores.map((store) => store.load()));
  return { relay, space: first.id, disk: relay.disk(), states: states.flatMap((state) => state ?? []) };
}

export interface Outcome {
  /** What devices reported. */
  readonly findings: readonly string[];
  /** How the run went, to be read when it went wrong. */
  readonly story: string;
}

interface Run {
  readonly relay: SplitRelay;
  readonly spaces: readonly Space[];
  readonly findings: string[];
}

async function begin(world: World, sealer: EntrySealer | undefined, acks: boolean): Promise<Run> {
  const relay = await new SplitRelay().start();
  relay.acks = acks;
  relay.take(world.relay, world.disk, world.space);
  const findings: string[] = [];
  const spaces: Space[] = [];
  for (const state of world.states) {
    const storage = new MemoryDeviceStore();
    await storage.save(state);
    const space = await openSpaceWith({ storage, batchWindowMs: 0, environment: HASTY }, { openTransport: relay.transport(), ...(sealer === undefined ? {} : { sealer }) });
    space.on('misbehaviour', ({ kind, detail }) => findings.push(`${space.device.slice(0, 4)} ${kind}: ${detail}`));
    spaces.push(space);
  }
  return { relay, spaces, findings };
}

async function end({ spaces, relay }: Run): Promise<void> {
  for (const space of spaces) await space.close();
  if (relay.failures.length > 0) throw new Error(`the relay of the simulation failed: ${String(relay.failures[0])}`);
}

/** One fork, and one entry that crosses it. Somebody must report; `findings` says who did. */
export async function forkRun(world: World, pick: Pick, sealer?: EntrySealer): Promise<Outcome> {
  const run = await begin(world, sealer, false);
  const { relay, spaces, findings } = run;
  const pushBy = async (at: number): Promise<void> => pushed(run, at);
  for (let left = pick(BEFORE_MAX + 1); left > 0; left -= 1) await pushBy(pick(DEVICES));
  await everybodyReads(run);
  // Every way to part four devices into two groups, none of them empty.
  const parts = 1 + pick(2 ** DEVICES - 2);
  const groupOf = (at: number): number => (parts >> at) & 1;
  const group = (which: number): readonly number[] => spaces.flatMap((_, at) => (groupOf(at) === which ? [at] : []));
  relay.split([group(0), group(1)].map((members) => members.map((at) => spaces[at]?.device ?? '')));
  const from = pick(2);
  const members = [group(from), group(1 - from)] as const;
  const forkedAt = sizeOf(relay.disk());
  const author = members[0][pick(members[0].length)] ?? 0;
  // The author's group goes on by one entry at least, the other one perhaps not at all. Where others can, the author itself only reads: its own entries would be missed.
  const others = members[0].filter((at) => at !== author);
  const writers = [others.length > 0 ? others : [author], members[1]] as const;
  const authors = writers.map((some, at) => Array.from({ length: (at === 0 ? 1 : 0) + pick(BRANCH_MAX) }, () => some[pick(some.length)] ?? 0));
  for (const at of authors.flat()) await pushBy(at);
  await everybodyReads(run);
  if (findings.length > 0) throw new Error(`a finding before anything crossed: ${findings.join()}`);
  await pushBy(author);
  await everybodyReads(run);
  const crossing = relay.log(spaces[author]?.device ?? '').entries.at(-1);
  const receiver = spaces[members[1][0] ?? 0]?.device ?? '';
  if (crossing === undefined) throw new Error('nothing to cross');
  await relay.cross(crossing, receiver);
  const size = sizeOf(relay.log(receiver));
  const readers = members[1].map((at) => spaces[at]);
  await turnsUntil(() => findings.length > 0 || readers.every((space) => space === undefined || space.size >= size || space.status.status === 'failed'), 'the entry that crossed was read', true);
  await everybodyReads(run, true);
  await end(run);
  const story = `fork at ${forkedAt}; entries of ${authors.map((some) => some.join('')).join(' and ')}; groups ${members.map((some) => some.join('')).join(' and ')}; an entry of ${author} crosses to seq ${size}`;
  return { findings, story };
}

/** One device is shown a log reset of its own; what it writes afterwards crosses to the others. */
export async function resetRun(world: World, pick: Pick, sealer?: EntrySealer): Promise<Outcome> {
  const run = await begin(world, sealer, false);
  const { relay, spaces, findings } = run;
  for (let left = 1 + pick(BEFORE_MAX); left > 0; left -= 1) await pushed(run, pick(DEVICES));
  await everybodyReads(run);
  const at = pick(DEVICES);
  const alone = spaces[at]?.device ?? '';
  const resets: number[] = [];
  spaces[at]?.on('log-reset', ({ newEpoch }) => resets.push(newEpoch));
  await relay.resetFor(alone);
  await turnsUntil(() => {
    for (const space of spaces) if (space.status.status === 'offline') space.goOnline();
    return resets.length > 0 && spaces.every((space) => space.status.status === 'online' && hasRead(run, space));
  }, () => `the reset was followed (${described(run)})`);
  if (findings.length > 0) throw new Error(`a finding before anything crossed: ${findings.join()}`);
  await pushed(run, at);
  const crossing = relay.log(alone).entries.at(-1);
  const other = spaces[(at + 1) % DEVICES]?.device ?? '';
  if (crossing === undefined) throw new Error('nothing to cross');
  await relay.cross(crossing, other);
  const size = sizeOf(relay.log(other));
  await turnsUntil(() => spaces.every((space) => space.device === alone || space.size >= size || space.status.status === 'failed'), 'the entry that crossed was read', true);
  await everybodyReads(run, true);
  await end(run);
  return { findings, story: `a reset for ${at}; its entry crosses to seq ${size}` };
}

/** The same devices and an honest relay that crashes, drains and is left, in runs of which each goes on where the one before ended; nobody may be accused. */
export async function honestRuns(world: World, pick: Pick, runs: number): Promise<readonly Outcome[]> {
  const run = await begin(world, undefined, true);
  const outcomes: Outcome[] = [];
  for (let left = runs; left > 0; left -= 1) outcomes.push({ story: await honestRun(run, pick), findings: run.findings.splice(0) });
  await end(run);
  return outcomes;
}

async function honestRun(run: Run, pick: Pick): Promise<string> {
  const { relay, spaces } = run;
  const steps: string[] = [];
  for (let left = 1 + pick(STEPS_MAX); left > 0; left -= 1) {
    const at = pick(DEVICES);
    const dice = pick(12);
    if (dice < 7) spaces[at]?.push(new TextEncoder().encode(`${left}`));
    if (dice < 4) spaces[at]?.flush();
    if (dice === 7) spaces[at]?.goOffline();
    if (dice === 8) spaces[at]?.goOnline();
    if (dice === 9) relay.crash();
    if (dice === 10) relay.drain();
    if (dice === 11) await everybodyReads(run, true);
    steps.push(`${at}:${dice}`);
  }
  for (const space of spaces) space.flush();
  await turnsUntil(() => {
    // As people do it: back-off grows with every crash, and nobody waits for it here.
    for (const space of spaces) if (space.status.status === 'offline') space.goOnline();
    return spaces.every((space) => space.status.status !== 'offline' && hasRead(run, space));
  }, () => `everybody has read (${described(run)}; ${steps.join(' ')})`);
  return steps.join(' ');
}

async function pushed({ spaces, relay }: Run, at: number): Promise<void> {
  const space = spaces[at];
  if (space === undefined) return;
  const before = sizeOf(relay.log(space.device));
  space.push(new TextEncoder().encode(`by ${at}`));
  space.flush();
  await turnsUntil(() => sizeOf(relay.log(space.device)) > before, 'an entry was pushed');
}

/** Every device that is online has read its log, and compared it with what the relay attested. */
async function everybodyReads(run: Run, leniently = false): Promise<void> {
  const isDone = (space: Space): boolean => (space.status.status === 'online' ? hasRead(run, space) : leniently);
  await turnsUntil(() => run.spaces.every(isDone), 'everybody has read', leniently);
}

/** Where every device stands. */
function described({ spaces, relay, findings }: Run): string {
  const one = (space: Space): string => `${space.status.status}${space.status.error === null ? '' : ` ${space.status.error.code}`} ${space.size} of ${sizeOf(relay.log(space.device))}${space.hasUnsyncedChanges ? ' unsynced' : ''}`;
  return [...spaces.map(one), ...findings, ...relay.failures.map(String)].join(', ');
}

function hasRead({ relay }: Run, space: Space): boolean {
  return space.size === sizeOf(relay.log(space.device)) && !space.hasUnsyncedChanges;
}

/** Lets everything go on until the condition holds. */
async function turnsUntil(reached: () => boolean, what: string | (() => string), leniently = false): Promise<void> {
  const end = performance.now() + (leniently ? LENIENT_MS_MAX : WAIT_MS_MAX);
  for (let turns = 0; performance.now() < end; turns += 1) {
    if (reached()) return;
    // At first in a hurry, then leaving the processor to those who are waited for.
    await new Promise((resolve) => void (turns < HURRIED_TURNS ? setImmediate(resolve) : setTimeout(resolve, 1)));
  }
  if (!leniently) throw new Error(`waited in vain: ${typeof what === 'string' ? what : what()}`);
}
