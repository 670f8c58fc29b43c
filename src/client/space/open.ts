// Puts a space together: from nothing, from a space link, or from what a device stored.
import { AddressError, connectUrl, formatRelayAddress, parseRelayAddress, parseSpaceLink } from '../../protocol/address.js';
import type { RelayAddress } from '../../protocol/address.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { ZEROS } from '../../protocol/hash.js';
import type { DeviceRights } from '../../protocol/roster.js';
import { ClientError } from '../client-error.js';
import { ConnectionDriver } from '../connection/driver.js';
import { createEd25519 } from '../crypto/ed25519.js';
import { decodeDeviceSecret, deriveRootSecret, encodeDeviceSecret, generateDeviceSecret } from '../crypto/keys.js';
import type { DeviceSecret } from '../crypto/keys.js';
import { PlatformError, subtleCrypto } from '../crypto/platform.js';
import { SealError } from '../crypto/seal-error.js';
import { Emitter } from '../emitter.js';
import { platformEnvironment } from '../environment.js';
import type { Environment } from '../environment.js';
import { toHex } from '../../protocol/hex.js';
import { BATCH_WINDOW_MS, BATCH_WINDOW_MS_MAX } from '../limits.js';
import { AttestationVerifier } from '../log/attestation-verifier.js';
import { DeviceChains } from '../log/device-chains.js';
import { ReceiptBook } from '../log/receipt-book.js';
import { VerifiedLog } from '../log/verified-log.js';
import type { Misbehaviour } from '../misbehaviour.js';
import { Outbox } from '../outbox/outbox.js';
import { firstRoster } from '../roster/roster-build.js';
import { SpaceRoster } from '../roster/space-roster.js';
import { MemoryDeviceStore } from '../store/device-store.js';
import type { DeviceState, DeviceStore } from '../store/device-store.js';
import { Batcher } from '../sync/batcher.js';
import { ENTRY_SEALER } from '../sync/entry-sealer.js';
import type { EntrySealer } from '../sync/entry-sealer.js';
import { Sealing } from '../sync/sealing.js';
import { WriteTracker } from '../sync/writes.js';
import type { OpenTransport } from '../transport/transport.js';
import { webSocketTransport } from '../transport/websocket-transport.js';
import type { WebSocketConstructor } from '../transport/websocket-transport.js';
import { SpaceEngine } from './engine.js';
import { enroll } from './enroll.js';
import { RosterChanges } from './roster-changes.js';
import type { SpaceContext } from './space-context.js';
import type { SpaceEvents } from './space-events.js';
import { Space } from './space.js';
import type { SnapshotHandler } from './space.js';
import { StateSaver } from './state-saver.js';

/** Time for the relay to take a new device, when no signal is given. */
const ENROLL_TIMEOUT_MS = 30_000;

/** What both ways to a space take. */
export interface SpaceOptions {
  /** Where the device is kept; without it the device is gone with the process. */
  readonly storage?: DeviceStore;
  /** The WebSocket to use; the platform's own when absent. */
  readonly webSocket?: WebSocketConstructor;
  /** How long small changes gather before they are sealed as one entry, 0 to 50 ms; 50 when absent. */
  readonly batchWindowMs?: number;
  /** Combines the items of one batch, for example updates of one document. */
  readonly merge?: (items: readonly Uint8Array[]) => readonly Uint8Array[];
  readonly snapshot?: SnapshotHandler;
  /** True: stay offline until goOnline(). */
  readonly offline?: boolean;
  /** Clock, timers and randomness; the platform's own when absent. */
  readonly environment?: Partial<Environment>;
}

export interface CreateSpaceOptions extends SpaceOptions {
  /** The relay address, as the relay's banner prints it. */
  readonly relay: string;
}

export interface OpenSpaceOptions extends SpaceOptions {
  /** The space link of another device; not needed when the storage holds a device already. */
  readonly link?: string;
  /** What the new device may do; `admin` when absent. */
  readonly rights?: DeviceRights;
  /** Gives up; without it a new device waits 30 seconds for the relay. */
  readonly signal?: AbortSignal;
}

/** What tests may replace; it is no part of the public entry. */
export interface Internals {
  readonly sealer?: EntrySealer;
  readonly openTransport?: OpenTransport;
}

interface Ground {
  readonly environment: Environment;
  readonly ed25519: Ed25519;
  readonly openTransport: OpenTransport;
  readonly storage: DeviceStore;
}

/** Makes a new space with this device as its first. It works offline; the relay learns of it at the first connection. */
export async function createSpaceWith(options: CreateSpaceOptions, internals: Internals): Promise<Space> {
  const address = addressed(() => parseRelayAddress(options.relay), 'bad_address');
  const ground = await prepare(options, internals);
  if ((await ground.storage.load()) !== null) {
    throw new ClientError('bad_option', 'the storage already holds a device', { hint: 'Use openSpace() to continue with it.' });
  }
  const { environment, ed25519 } = ground;
  const random = (length: number): Uint8Array => environment.randomBytes(length);
  const rootSecret = random(32);
  const root = await deriveRootSecret(rootSecret, ed25519);
  const device = await generateDeviceSecret(random, ed25519);
  const first = await firstRoster(root, { key: device.key, hpke: device.hpke, rights: 'admin', notAfter: 0 }, { ed25519, random });
  const state = freshState(address, root.key, rootSecret, device, { ...first, confirmed: false });
  await ground.storage.save(state);
  return assemble(options, internals, ground, state);
}

/** Opens the space of a link as a new device, or continues with the device that the storage holds. */
export async function openSpaceWith(options: OpenSpaceOptions, internals: Internals): Promise<Space> {
  const ground = await prepare(options, internals);
  const link = options.link === undefined ? undefined : parsedLink(options.link);
  const root = link && (await deriveRootSecret(link.rootSecret, ground.ed25519));
  const stored = await ground.storage.load();
  if (stored !== null) {
    if (root !== undefined && !equalBytes(root.key, stored.space)) {
      throw new ClientError('bad_option', 'the storage holds a device of another space', { hint: 'Use one storage for each space.' });
    }
    return assemble(options, internals, ground, stored);
  }
  if (link === undefined || root === undefined) {
    throw new ClientError('bad_link', 'a new device needs a space link', { hint: 'Copy the link from a device of the space.' });
  }
  const { environment, ed25519, openTransport } = ground;
  const device = await generateDeviceSecret((length) => environment.randomBytes(length), ed25519);
  const giveUp = new AbortController();
  const timer = environment.after(ENROLL_TIMEOUT_MS, () => giveUp.abort(new ClientError('relay_unreachable', 'the relay could not be reached', { temporary: true })));
  const signal = options.signal ?? giveUp.signal;
  const roster = await enroll({ link, root, device, rights: options.rights ?? 'admin', environment, ed25519, openTransport, signal }).finally(() => timer.cancel());
  const state = freshState(link.address, root.key, link.rootSecret, device, roster);
  await ground.storage.save(state);
  return assemble(options, internals, ground, state);
}

function freshState(address: RelayAddress, space: Uint8Array, rootSecret: Uint8Array, device: DeviceSecret, roster: DeviceState['roster']): DeviceState {
  return {
    format: 1,
    relay: formatRelayAddress(address),
    space,
    rootSecret,
    deviceSecret: encodeDeviceSecret(device),
    roster,
    log: null,
    chains: [],
    own: { pushSeq: 0, entryId: ZEROS, storedPushSeq: 0 },
    acked: { logEpoch: 0, size: 0, time: 0 },
    policy: null,
  };
}

async function prepare(options: SpaceOptions, internals: Internals): Promise<Ground> {
  const window = options.batchWindowMs ?? BATCH_WINDOW_MS;
  if (!(window >= 0 && window <= BATCH_WINDOW_MS_MAX)) throw new ClientError('bad_option', `batchWindowMs is not from 0 to ${BATCH_WINDOW_MS_MAX}`);
  try {
    subtleCrypto();
  } catch (cause) {
    if (cause instanceof PlatformError) throw new ClientError(cause.code, cause.message, { hint: cause.hint, cause });
    throw cause;
  }
  const openTransport = internals.openTransport ?? webSocketTransport(webSocketOf(options));
  const environment = { ...platformEnvironment(), ...options.environment };
  return { environment, ed25519: await createEd25519(), openTransport, storage: options.storage ?? new MemoryDeviceStore() };
}

function webSocketOf(options: SpaceOptions): WebSocketConstructor {
  const webSocket = options.webSocket ?? (globalThis.WebSocket as WebSocketConstructor | undefined);
  if (webSocket !== undefined) return webSocket;
  throw new ClientError('no_websocket', 'this platform has no WebSocket', { hint: 'Pass one as webSocket, for example that of the package ws.' });
}

async function assemble(options: SpaceOptions, internals: Internals, ground: Ground, state: DeviceState): Promise<Space> {
  const { environment, ed25519, openTransport, storage } = ground;
  const address = addressed(() => parseRelayAddress(state.relay), 'state_damaged');
  const device = await storedDevice(state, ed25519);
  const root = state.rootSecret === null ? null : await deriveRootSecret(state.rootSecret, ed25519);
  const identity = { space: state.space, logId: address.logId };
  const roster = new SpaceRoster(state.space, device, ed25519);
  await roster.update(state.roster);
  roster.confirm(state.roster.confirmed);
  const events: Emitter<SpaceEvents> = new Emitter((cause) => events.emit('error', new ClientError('internal', 'a listener of the app threw', { cause })));
  const outbox = await Outbox.open(storage.outbox);
  const log = new VerifiedLog(identity, state.log ?? undefined);
  const chains = new DeviceChains(state.chains);
  const last = outbox.last;
  const own = last !== undefined && last.pushSeq >= state.own.pushSeq ? { ...state.own, pushSeq: last.pushSeq, entryId: last.entryId } : state.own;
  const marks = { own: { ...own, storedPushSeq: Math.max(own.storedPushSeq, outbox.storedPushSeq) }, acked: state.acked };
  // While a frame is worked on, or an entry waits for its key, the position before it is what may be stored.
  let position: Pick<DeviceState, 'log' | 'chains'> = state;
  const settle = (): void => {
    if (engine.settled && log.newest !== undefined) position = { log: log.state(), chains: chains.links() };
  };
  const saver = new StateSaver(storage, () => ({
    ...state,
    ...position,
    roster: roster.state(),
    own: marks.own,
    acked: marks.acked,
    policy: engine.policy,
  }));
  const context: SpaceContext = {
    environment,
    ed25519,
    sealer: internals.sealer ?? ENTRY_SEALER,
    identity,
    device,
    roster,
    log,
    chains,
    receipts: new ReceiptBook(),
    outbox,
    writes: new WriteTracker((write) => events.emit('write-state', write)),
    verifier: new AttestationVerifier(identity, ed25519),
    events,
    marks,
    report: reporter(events),
    save: () => {
      settle();
      return saver.save();
    },
  };
  const sealing = new Sealing(context, () => {
    engine.push();
    space.progress();
  });
  const rosterChanges = new RosterChanges({
    environment,
    tools: { ed25519, random: (length) => environment.randomBytes(length) },
    view: () => ({ roster: present(roster.known), keys: roster.keys }),
    root,
    device,
  });
  const engine = new SpaceEngine({
    context,
    sealing,
    rosterChanges,
    load: options.snapshot && ((bytes) => options.snapshot?.load(bytes)),
    policy: state.policy,
    stateChanged: (connection) => space.stateChanged(connection),
    fail: (error) => driver.dispatch({ type: 'fault', error }),
    progress: () => space.progress(),
    snapshotDue: () => space.snapshotDue(),
  });
  const driver = new ConnectionDriver({ environment, openTransport, ed25519, url: connectUrl(address) }, engine);
  const windowMs = options.batchWindowMs ?? BATCH_WINDOW_MS;
  const batcher = new Batcher({ environment, windowMs, merge: options.merge, flushed: (batch) => sealing.enqueue(batch) });
  const space = new Space({ context, engine, driver, batcher, sealing, rosterChanges, address, rootSecret: state.rootSecret, snapshot: options.snapshot });
  if (options.offline !== true) queueMicrotask(() => driver.dispatch({ type: 'go-online' }));
  return space;
}

// One finding is told once: an accuser's word would otherwise come again with each of its entries.
function reporter(events: Emitter<SpaceEvents>): (found: Misbehaviour) => void {
  const told = new Set<string>();
  return (found) => {
    const { accuser } = found.evidence;
    const name = `${found.kind} ${accuser === null ? found.detail : toHex(accuser)}`;
    if (told.has(name) || told.size >= FINDINGS_MAX) return;
    told.add(name);
    events.emit('misbehaviour', found);
  };
}

/** Findings told in the life of a space object. */
const FINDINGS_MAX = 1024;

async function storedDevice(state: DeviceState, ed25519: Ed25519): Promise<DeviceSecret> {
  try {
    return await decodeDeviceSecret(state.deviceSecret, ed25519);
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause;
    throw new ClientError('state_damaged', 'the stored device does not hold', { cause, hint: 'Open the space again by its link, as a new device.' });
  }
}

function parsedLink(text: string): ReturnType<typeof parseSpaceLink> {
  return addressed(() => parseSpaceLink(text), 'bad_link');
}

function addressed<T>(parse: () => T, code: 'bad_address' | 'bad_link' | 'state_damaged'): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new ClientError(code, cause.message, { cause, hint: 'Copy it again, complete, from where it was shown.' });
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new ClientError('state_damaged', 'the stored roster is missing');
  return value;
}
