// Puts the parts of a space together around what the device stored. Everything a part needs is handed to it here.
import { connectUrl } from '../../protocol/address.js';
import type { RelayAddress } from '../../protocol/address.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { toHex } from '../../protocol/hex.js';
import { ClientError } from '../client-error.js';
import { ConnectionDriver } from '../connection/driver.js';
import { decodeDeviceSecret, deriveRootSecret } from '../crypto/keys.js';
import type { DeviceSecret } from '../crypto/keys.js';
import { SealError } from '../crypto/seal-error.js';
import { Emitter } from '../emitter.js';
import type { Environment } from '../environment.js';
import { BATCH_WINDOW_MS, FINDINGS_MAX } from '../limits.js';
import { AttestationVerifier } from '../log/attestation-verifier.js';
import { DeviceChains } from '../log/device-chains.js';
import { ReceiptBook } from '../log/receipt-book.js';
import { VerifiedLog } from '../log/verified-log.js';
import type { Misbehaviour } from '../misbehaviour.js';
import { Outbox } from '../outbox/outbox.js';
import { SpaceRoster } from '../roster/space-roster.js';
import type { DeviceState, DeviceStore, OwnMark } from '../store/device-store.js';
import { Batcher } from '../sync/batcher.js';
import { ENTRY_SEALER } from '../sync/entry-sealer.js';
import { Sealing } from '../sync/sealing.js';
import { WriteTracker } from '../sync/writes.js';
import type { OpenTransport } from '../transport/transport.js';
import { SpaceActivity } from './activity.js';
import { DeviceNames } from './device-names.js';
import { SpaceEngine } from './engine.js';
import type { Failover } from './failover-part.js';
import type { Internals } from './internals.js';
import type { SpaceOptions } from './space-options.js';
import { OwnName } from './own-name.js';
import { highestSeqOf } from './region-places.js';
import { Removals } from './removals.js';
import { RosterChanges } from './roster-changes.js';
import type { SpaceContext } from './space-context.js';
import type { SpaceEvents } from './space-events.js';
import type { CallsOf, SpacePart } from './space-part.js';
import { Space } from './space.js';
import { StateSaver } from './state-saver.js';

/** What a space stands on. */
export interface Ground {
  readonly environment: Environment;
  readonly ed25519: Ed25519;
  readonly openTransport: OpenTransport;
  readonly storage: DeviceStore;
  /** Lets others open the storage again; called once when the space is closed. */
  readonly letGo?: () => void;
}

/** The space of a stored device; it goes online unless the options say otherwise. */
export async function assemble<P extends readonly SpacePart[]>(options: SpaceOptions<P>, internals: Internals, ground: Ground, address: RelayAddress, state: DeviceState): Promise<Space & CallsOf<P>> {
  const { environment, ed25519, openTransport } = ground;
  // The parts call each other only after all of them exist.
  const stored = (): Pick<DeviceState, 'policy'> & { readonly settled: boolean } => ({ policy: engine.policy, settled: engine.settled });
  const context = await openContext(internals, ground, address, state, stored);
  const activity = new SpaceActivity(context, () => engine);
  const root = state.rootSecret === null ? null : await deriveRootSecret(state.rootSecret, ed25519);
  const sealing = new Sealing(context, () => {
    engine.push();
    activity.progress();
  });
  const rosterChanges = new RosterChanges({
    environment,
    tools: { ed25519, random: (length) => environment.randomBytes(length) },
    view: () => ({ roster: present(context.roster.known), keys: context.roster.keys }),
    root,
    device: context.device,
  });
  const removals = new Removals({ context, changes: rosterChanges, link: () => engine.link(), closing: activity.closing });
  const ownName = new OwnName(context, sealing);
  const given: readonly SpacePart[] = options.parts ?? [];
  const partGround = { context, address, internals, link: () => engine.link(), assertOpen: () => activity.assertOpen(), snapshot: () => activity.snapshot() };
  const parts = given.flatMap((part) => part.open?.(partGround) ?? []);
  const engine = new SpaceEngine({
    context,
    parts,
    snapshots: given.find(({ snapshots }) => snapshots !== undefined)?.snapshots,
    failover: failoverOf(options),
    sealing,
    rosterChanges,
    policy: state.policy,
    admission: admissionOf(options),
    stateChanged: (connection) => activity.stateChanged(connection),
    fail: (error) => driver.dispatch({ type: 'fault', error }),
    reading: () => removals.run(),
    progress: () => activity.progress(),
    snapshotDue: () => activity.snapshotDue(),
    snapshot: () => activity.snapshot(),
  });
  const driver = new ConnectionDriver({ environment, openTransport, ed25519, url: connectUrl(address), frames: given.flatMap(({ frames }) => frames ?? []) }, engine);
  const windowMs = options.batchWindowMs ?? BATCH_WINDOW_MS;
  const batcher = new Batcher({ environment, windowMs, merge: options.merge, flushed: (batch) => sealing.enqueue(batch) });
  if (options.deviceName !== undefined && options.deviceName !== context.names.of(context.device.key)) named(ownName, options.deviceName);
  if (options.offline !== true) queueMicrotask(() => driver.goOnline());
  const space = new Space({ context, engine, driver, batcher, sealing, rosterChanges, removals, ownName, address, rootSecret: state.rootSecret, activity });
  return Object.assign(space, ...parts.map(({ calls }) => calls)) as Space & CallsOf<P>;
}

/** The part with which a space fails over, if the app gave it. */
export function failoverOf({ parts }: SpaceOptions<readonly SpacePart[]>): Failover | undefined {
  return parts?.find(({ failover }) => failover !== undefined)?.failover;
}

/** The token that founds a space, as it goes over the wire. */
export function admissionOf({ admission }: SpaceOptions<readonly SpacePart[]>): Uint8Array | undefined {
  return admission === undefined ? undefined : new TextEncoder().encode(admission.token);
}

// A device that may only read has no way to tell its name; that is no reason not to open the space.
function named(ownName: OwnName, name: string): void {
  try {
    ownName.say(name);
  } catch (cause) {
    if (!(cause instanceof ClientError) || cause.code !== 'read_only') throw cause;
  }
}

async function openContext(
  internals: Internals,
  { environment, ed25519, storage, letGo }: Ground,
  address: RelayAddress,
  state: DeviceState,
  stored: () => Pick<DeviceState, 'policy'> & { readonly settled: boolean },
): Promise<SpaceContext> {
  const identity = { space: state.space, logId: address.logId };
  const device = await storedDevice(state, ed25519);
  const roster = new SpaceRoster(state.space, device, ed25519);
  await roster.update(state.roster);
  roster.confirm(state.roster.confirmed);
  const events: Emitter<SpaceEvents> = new Emitter((cause) => events.emit('error', new ClientError('internal', 'a listener of the app threw', { cause })));
  const outbox = await Outbox.open(storage.outbox);
  // At a relay this device comes back to: what it receipted has a place there, also where the log was not read that far.
  if (state.carry) await outbox.markStored(outbox.unsentUpTo(state.own.storedPushSeq).map((pushSeq) => [pushSeq, highestSeqOf(state)]));
  const log = new VerifiedLog(identity, state.log ?? undefined);
  const chains = new DeviceChains(state.chains);
  const marks = { own: ownMark(state.own, outbox), acked: state.acked, moved: state.moved ?? null, expected: state.expected ?? null, owed: state.owed ?? [], carry: state.carry ?? null, elsewhere: state.elsewhere ?? [] };
  const names = new DeviceNames(state.names);
  // While a frame is worked on, or an entry waits for its key, the position before it is what may be stored.
  let position: Pick<DeviceState, 'log' | 'chains'> = state;
  const saver = new StateSaver(storage, () => ({ ...state, ...position, roster: roster.state(), ...marks, names: names.list(), policy: stored().policy }));
  const take = (): void => {
    if (stored().settled && log.newest !== undefined) position = { log: log.state(), chains: chains.links() };
  };
  return {
    environment,
    ed25519,
    sealer: internals.sealer ?? ENTRY_SEALER,
    identity,
    device,
    roster,
    names,
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
      take();
      return saver.save();
    },
    endWriting: async () => {
      try {
        await outbox.close();
        take();
        await saver.close();
      } finally {
        letGo?.();
      }
    },
  };
}

// The outbox is stored first, so after a crash it may be ahead of the state; and it lets go of the oldest first, so while there is something in it
// nothing newer was ever sent.
function ownMark(own: OwnMark, outbox: Outbox): OwnMark {
  const { last } = outbox;
  const newest = last ?? own;
  return { pushSeq: newest.pushSeq, entryId: newest.entryId, storedPushSeq: Math.max(own.storedPushSeq, outbox.storedPushSeq) };
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

async function storedDevice(state: DeviceState, ed25519: Ed25519): Promise<DeviceSecret> {
  try {
    return await decodeDeviceSecret(state.deviceSecret, ed25519);
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause;
    throw new ClientError('state_damaged', 'the stored device does not hold', { cause, hint: 'Open the space again by its link, as a new device.' });
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new ClientError('state_damaged', 'the stored roster is missing');
  return value;
}
