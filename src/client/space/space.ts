// A space as an app uses it: push, listen, know when it is safe, manage devices.
import { formatRelayAddress, formatSpaceLink } from '../../protocol/address.js';
import type { RelayAddress } from '../../protocol/address.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { FrameError } from '../../protocol/frame-error.js';
import { fromHex, toHex } from '../../protocol/hex.js';
import { deviceOf, mayWrite } from '../../protocol/roster.js';
import type { DeviceRights } from '../../protocol/roster.js';
import { ClientError } from '../client-error.js';
import type { ConnectionDriver } from '../connection/driver.js';
import type { Sponsor } from '../connection/handshake.js';
import { OUTBOX_HELD_BYTES_MAX, OUTBOX_UNSENT_BYTES_MAX } from '../limits.js';
import { decodeAttestation, encodeAttestation } from '../log/encode-attestation.js';
import type { Misbehaviour } from '../misbehaviour.js';
import type { Batcher } from '../sync/batcher.js';
import type { Sealing } from '../sync/sealing.js';
import type { Write } from '../sync/writes.js';
import type { SpaceActivity } from './activity.js';
import type { SpaceEngine } from './engine.js';
import { plainBytes } from '../plain-bytes.js';
import type { SpaceHandover } from './handover.js';
import type { OwnName } from './own-name.js';
import type { Removals } from './removals.js';
import type { RosterChanges } from './roster-changes.js';
import type { SpaceContext } from './space-context.js';
import { sponsorOf } from './sponsor.js';
import type { EntryEvent, SpaceEvents, StatusEvent } from './space-events.js';

/** A device of the space. */
export interface DeviceInfo {
  /** Its public key in hexadecimal. */
  readonly device: string;
  readonly rights: DeviceRights;
  /** Whether it is this one. */
  readonly own: boolean;
  /** What it calls itself; null while it has not said so. */
  readonly name: string | null;
  /** Whether its removal, and with it the new key epoch, is owed: it is done as soon as the relay can be reached. */
  readonly leaving: boolean;
}

/** The public keys of a device that an admin may add without giving it the space link. */
export interface NewDevice {
  readonly key: Uint8Array;
  readonly hpke: Uint8Array;
  readonly rights: DeviceRights;
}

/** What comparing heads with another device showed. */
export type HeadCheck =
  | { readonly verdict: 'consistent' }
  /** The other device is ahead, or too far behind; it is compared when this device gets there. */
  | { readonly verdict: 'not-comparable' }
  | { readonly verdict: 'misbehaviour'; readonly finding: Misbehaviour };

export interface SpaceParts {
  readonly context: SpaceContext;
  readonly engine: SpaceEngine;
  readonly driver: ConnectionDriver;
  readonly batcher: Batcher;
  readonly sealing: Sealing;
  readonly rosterChanges: RosterChanges;
  readonly removals: Removals;
  readonly ownName: OwnName;
  readonly address: RelayAddress;
  readonly rootSecret: Uint8Array | null;
  readonly activity: SpaceActivity;
}

/** One device in one space. */
export class Space {
  readonly #parts: SpaceParts;
  #isClosing = false;

  /** Apps get spaces from createSpace and openSpace. */
  constructor(parts: SpaceParts) {
    this.#parts = parts;
  }

  /** The space id in hexadecimal. */
  get id(): string {
    return toHex(this.#parts.context.identity.space);
  }

  /** The key of this device in hexadecimal. */
  get device(): string {
    return toHex(this.#parts.context.device.key);
  }

  /** The link that opens the space on another device. It holds the root secret: whoever has it is an admin. Null without it. */
  get link(): string | null {
    const { address, rootSecret, context } = this.#parts;
    const { version, hash } = context.roster;
    return rootSecret === null ? null : formatSpaceLink({ address, rootSecret, roster: { version, hash } });
  }

  /** Whether there is a session with the relay, and why there will be none. */
  get status(): StatusEvent {
    return this.#parts.activity.status;
  }

  /** Whether something pushed is not known to be on the relay's disk. */
  get hasUnsyncedChanges(): boolean {
    const { batcher, sealing, context } = this.#parts;
    return batcher.bytes > 0 || !sealing.idle || context.outbox.unsentBytes > 0;
  }

  /** Whether something pushed is not known to be held by every live device: only a relay, or this device, holds it for the others. */
  get hasUnsharedChanges(): boolean {
    return this.hasUnsyncedChanges || this.#parts.context.outbox.heldBytes > 0;
  }

  /** The address of the relay this space object is at, with its key: receipts of its writes are that relay's. */
  get relay(): string {
    return formatRelayAddress(this.#parts.address);
  }

  /** Seq up to which this device has read. */
  get size(): number {
    return this.#parts.context.log.size;
  }

  /** Pushes one item; it is sealed with others of the same moment. Throws `outbox_full`, `item_too_large`, `read_only`, `bad_option` or `closed`. */
  push(given: Uint8Array): Write {
    const item = plainBytes(given);
    const { context, batcher, sealing } = this.#parts;
    // What comes while it closes would miss the last batch, and be lost.
    if (this.#isClosing) throw new ClientError('closed', 'the space was closed');
    if (context.roster.known !== undefined && !mayWrite(deviceOf(context.roster.known, context.device.key))) {
      throw new ClientError('read_only', 'this device may only read', { hint: 'An admin can give it the right to write by adding it anew.' });
    }
    const waiting = context.outbox.unsentBytes + sealing.queuedBytes + batcher.bytes;
    if (context.outbox.full || waiting + item.length > OUTBOX_UNSENT_BYTES_MAX || context.outbox.heldBytes > OUTBOX_HELD_BYTES_MAX) {
      throw new ClientError('outbox_full', 'too much waits to be synced', { temporary: true, hint: 'Wait for whenWritable(), or go online; a snapshot() frees what other devices have not read.' });
    }
    const write = batcher.push(item);
    context.events.emit('pushed', write);
    return write;
  }

  /** Resolves when push() will not refuse because of a full outbox. */
  whenWritable(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { context, sealing, batcher } = this.#parts;
    return this.#parts.activity.until(() => !context.outbox.full && context.outbox.unsentBytes + sealing.queuedBytes + batcher.bytes < OUTBOX_UNSENT_BYTES_MAX / 2, options.signal);
  }

  /** Seals what gathers in the batch window at once. */
  flush(): void {
    this.#parts.batcher.flush();
  }

  /** Calls the listener for every event of that name; the returned function ends it. */
  on<K extends keyof SpaceEvents>(name: K, listener: (event: SpaceEvents[K]) => void): () => void {
    return this.#parts.context.events.on(name, listener);
  }

  /**
   * Calls the listener for every entry, own ones included, in the order of the log. In the life of a process each comes once. After a
   * crash the newest may come again (the position is stored after the listener returned), and after a log reset entries that others
   * push again may come late, so applying an entry twice must do no harm.
   */
  subscribe(listener: (entry: EntryEvent) => void): () => void {
    return this.on('entry', listener);
  }

  /** The devices of the newest verified roster. */
  devices(): readonly DeviceInfo[] {
    const { context, removals } = this.#parts;
    const { roster, device, names } = context;
    return (roster.known?.devices ?? []).map(({ key, rights }) => ({
      device: toHex(key),
      rights,
      own: equalBytes(key, device.key),
      name: names.of(key),
      leaving: removals.isOwed(key),
    }));
  }

  /** Tells the other devices what this one is called. Throws `bad_option` and `read_only`. */
  nameDevice(name: string): void {
    this.#parts.activity.assertOpen();
    this.#parts.ownName.say(name);
  }

  /** What a new device needs beside its keys; the pairing hands it over. */
  handover(): SpaceHandover {
    const { address, context } = this.#parts;
    return { relay: formatRelayAddress(address), space: context.identity.space, roster: context.roster.all, head: this.head(), names: context.names.list() };
  }

  /** What lets the pairing meet a device at a relay that takes new spaces with a token only. */
  sponsor(): Sponsor {
    return sponsorOf(this.#parts.context, this.#parts.rootSecret);
  }

  /** Adds a device by its public keys. Needs admin rights and a connection. */
  async addDevice({ key, hpke, rights }: NewDevice): Promise<void> {
    const { rosterChanges, engine } = this.#parts;
    this.#parts.activity.assertOpen();
    await rosterChanges.apply(() => engine.link(), () => ({ add: { key, hpke, rights, notAfter: 0 } }), this.#parts.activity.closing);
  }

  /**
   * Removes a device and makes a new key epoch that it cannot open: one signed statement, after which the relay cuts the device off.
   * Resolves when the relay shows it. Without a connection it is owed (`leaving` in devices()), and done with the next session, also
   * after a restart. Needs admin rights.
   */
  async removeDevice(device: string): Promise<void> {
    const { rosterChanges, removals, context } = this.#parts;
    this.#parts.activity.assertOpen();
    const key = fromHex(device);
    const known = context.roster.known;
    if (key === undefined || known === undefined || deviceOf(known, key) === undefined) throw new ClientError('unknown_device', 'no device of this space has that key');
    rosterChanges.assertAllowed(known);
    await removals.remove(key);
  }

  /** Resolves when everything the relay held at this call is read, whoever pushed it, and everything pushed here is stored there: the relay is asked. Rejects with the error of the status when that is `failed`. */
  async whenSynced(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.flush();
    const { activity, engine } = this.#parts;
    const hasAnswered = engine.ask();
    const isSynced = (): boolean => hasAnswered() && engine.caughtUp && !this.hasUnsyncedChanges;
    await activity.until(() => isSynced() || activity.status.error !== null, options.signal);
    const { error } = activity.status;
    if (error !== null && !isSynced()) throw error;
  }

  /** The newest verified head, to be compared by another device over another way than the relay; null before the first. */
  head(): Uint8Array | null {
    const { verified } = this.#parts.context.log;
    return verified === undefined ? null : encodeAttestation(verified);
  }

  /** Compares a head() of another device with what this one was shown. A finding is also told as an event. */
  async checkHead(head: Uint8Array): Promise<HeadCheck> {
    const { verifier, log } = this.#parts.context;
    const attestation = parseHead(head);
    if (!(await verifier.holds(attestation))) throw new ClientError('bad_head', 'the head is not signed by the relay of this space');
    const found = log.judge(attestation);
    if (found !== undefined) {
      this.#parts.context.report(found);
      return { verdict: 'misbehaviour', finding: found };
    }
    if (attestation.logEpoch !== log.logEpoch || log.headAt(attestation.size) === undefined) return { verdict: 'not-comparable' };
    return { verdict: 'consistent' };
  }

  /** Connects, also after goOffline() or a failure; at once, whatever pause was under way. Throws `closed`. */
  goOnline(): void {
    this.#parts.activity.assertOpen();
    this.#parts.driver.goOnline();
  }

  /** Ends the connection until goOnline(); what is pushed meanwhile waits. */
  goOffline(): void {
    this.#parts.driver.dispatch({ type: 'go-offline' });
  }

  /** Ends the connection and every wait; what is stored stays. */
  async close(): Promise<void> {
    const { activity, driver, engine, context, batcher, sealing } = this.#parts;
    if (activity.closing.aborted) return;
    this.#isClosing = true;
    batcher.flush();
    await activity.until(() => sealing.idle);
    driver.dispatch({ type: 'close' });
    engine.close();
    activity.close();
    await driver.idle();
    await context.endWriting();
    context.writes.close();
  }
}

function parseHead(head: Uint8Array): ReturnType<typeof decodeAttestation> {
  try {
    return decodeAttestation(head);
  } catch (cause) {
    if (cause instanceof FrameError) throw new ClientError('bad_head', 'these bytes are no head', { cause });
    throw cause;
  }
}
