// The ways to a space: from nothing, from a space link, or from what a device stored.
import { AddressError, formatRelayAddress, formatSpaceLink, parseRelayAddress, parseSpaceLink } from '../../protocol/address.js';
import type { RelayAddress, SpaceLink } from '../../protocol/address.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { ADMISSION_BYTES_MAX } from '../../protocol/limits.js';
import type { DeviceRights } from '../../protocol/roster.js';
import { ClientError } from '../client-error.js';
import type { Sponsor } from '../connection/handshake.js';
import { createEd25519 } from '../crypto/ed25519.js';
import { deriveRoomSecret, deriveRootSecret, generateDeviceSecret } from '../crypto/keys.js';
import type { DeviceSecret } from '../crypto/keys.js';
import { PlatformError } from '../crypto/platform.js';
import { environmentWith } from '../environment.js';
import type { Environment } from '../environment.js';
import { BATCH_WINDOW_MS, BATCH_WINDOW_MS_MAX } from '../limits.js';
import { firstRoster } from '../roster/roster-build.js';
import { MemoryDeviceStore } from '../store/device-store.js';
import type { CarryMark, DeviceState } from '../store/device-store.js';
import type { OpenTransport } from '../transport/transport.js';
import { webSocketTransport } from '../transport/websocket-transport.js';
import type { WebSocketConstructor } from '../transport/websocket-transport.js';
import { admissionOf, assemble, failoverOf } from './assemble.js';
import type { Ground } from './assemble.js';
import { enroll } from './enroll.js';
import { freshState } from './fresh-state.js';
import { holding } from './holding.js';
import type { Internals } from './internals.js';
import { moveHouse, restartMoved } from './moved-house.js';
import type { SpaceOptions } from './space-options.js';
import type { CallsOf, SpacePart } from './space-part.js';
import type { Space } from './space.js';

/** Time for the relay to take a new device, when no signal is given. */
export const ENROLL_TIMEOUT_MS = 30_000;

export interface CreateSpaceOptions<P extends readonly SpacePart[] = readonly SpacePart[]> extends SpaceOptions<P> {
  /** The relay address, as the relay's banner prints it. */
  readonly relay: string;
}

export interface OpenSpaceOptions<P extends readonly SpacePart[] = readonly SpacePart[]> extends SpaceOptions<P> {
  /** The space link of another device; not needed when the storage holds a device already. */
  readonly link?: string;
  /** The address of the relay the space has now, for a device that knows another one; a link names it too. */
  readonly relay?: string;
  /** What the new device may do; `admin` when absent. */
  readonly rights?: DeviceRights;
  /** True: a relay that does not know the space is given it, with this device as its first. Without a link, and with no device in the storage, a new space is made for `relay`. */
  readonly create?: boolean;
  /** Gives up; without it a new device waits 30 seconds for the relay. */
  readonly signal?: AbortSignal;
}

/** Makes a new space with this device as its first. It works offline; the relay learns of it at the first connection. */
export async function createSpaceWith<const P extends readonly SpacePart[] = readonly []>(options: CreateSpaceOptions<P>, internals: Internals): Promise<Space & CallsOf<P>> {
  const address = addressed(() => parseRelayAddress(options.relay), 'bad_address');
  return holding(await prepare(options, internals), (ground) => createOn(ground, address, options, internals));
}

async function createOn<P extends readonly SpacePart[]>(ground: Ground, address: RelayAddress, options: CreateSpaceOptions<P>, internals: Internals): Promise<Space & CallsOf<P>> {
  if ((await ground.storage.load()) !== null) {
    throw new ClientError('bad_option', 'the storage already holds a device', { hint: 'Use openSpace() to continue with it.' });
  }
  return found(ground, address, options, internals);
}

async function found<P extends readonly SpacePart[]>(ground: Ground, address: RelayAddress, options: SpaceOptions<P>, internals: Internals): Promise<Space & CallsOf<P>> {
  const { environment, ed25519 } = ground;
  const random = (length: number): Uint8Array => environment.randomBytes(length);
  const rootSecret = random(32);
  const root = await deriveRootSecret(rootSecret, ed25519);
  const device = await generateDeviceSecret(random, ed25519);
  const first = await firstRoster(root, { key: device.key, hpke: device.hpke, rights: 'admin', notAfter: 0 }, { ed25519, random });
  const state = { ...freshState(address, root.key, rootSecret, device, { ...first, confirmed: false }), carry: carryOf(options) };
  await ground.storage.save(state);
  return assemble(options, internals, ground, addressOf(state), state);
}

/** Opens the space of a link as a new device, or continues with the device that the storage holds. */
export async function openSpaceWith<const P extends readonly SpacePart[] = readonly []>(options: OpenSpaceOptions<P>, internals: Internals): Promise<Space & CallsOf<P>> {
  return holding(await prepare(options, internals), (ground) => openOn(ground, options, internals));
}

async function openOn<P extends readonly SpacePart[]>(ground: Ground, options: OpenSpaceOptions<P>, internals: Internals): Promise<Space & CallsOf<P>> {
  const link = options.link === undefined ? undefined : parsedLink(options.link);
  const root = link && (await deriveRootSecret(link.rootSecret, ground.ed25519));
  const stored = await ground.storage.load();
  if (stored !== null) {
    if (root !== undefined && !equalBytes(root.key, stored.space)) {
      throw new ClientError('bad_option', 'the storage holds a device of another space', { hint: 'Use one storage for each space.' });
    }
    const state = await atRelay({ ...stored, carry: stored.carry ?? carryOf(options) }, relayOf(options) ?? link?.address, options, ground);
    return assemble(options, internals, ground, addressOf(state), state);
  }
  const relay = relayOf(options);
  if (link === undefined || root === undefined) {
    if (options.create === true && relay !== undefined) return found(ground, relay, options, internals);
    throw new ClientError('bad_link', 'a new device needs a space link', { hint: 'Copy the link from a device of the space.' });
  }
  const device = await generateDeviceSecret((length) => ground.environment.randomBytes(length), ground.ed25519);
  const at = { ...link, address: relay ?? link.address };
  const roster = await comeIn(options, ground, at, root, device, internals.sponsor);
  const state = { ...freshState(at.address, root.key, link.rootSecret, device, roster), carry: carryOf(options) };
  await ground.storage.save(state);
  return assemble(options, internals, ground, addressOf(state), state);
}

/**
 * The link of a room: a space of its own on the same relay, whose link follows from this one and the name. Whoever has the link of a space has those of its rooms,
 * and not the other way round. Open it with `create: true`. Throws `bad_link`.
 */
export function roomLinkOf(link: string, name: string): string {
  const { address, rootSecret } = parsedLink(link);
  return formatSpaceLink({ address, rootSecret: deriveRoomSecret(rootSecret, name) });
}

async function comeIn(options: OpenSpaceOptions, ground: Ground, link: SpaceLink, root: DeviceSecret, device: DeviceSecret, sponsor: Sponsor | undefined): Promise<DeviceState['roster']> {
  const { environment, ed25519, openTransport } = ground;
  const rights = options.rights ?? 'admin';
  if (options.create === true && rights !== 'admin') throw new ClientError('bad_option', 'the first device of a space is an admin');
  const random = (length: number): Uint8Array => environment.randomBytes(length);
  const first = { key: device.key, hpke: device.hpke, rights, notAfter: 0 };
  const founding = options.create === true ? { founding: await firstRoster(root, first, { ed25519, random }), admission: admissionOf(options), sponsor } : {};
  const giveUp = new AbortController();
  const timer = environment.after(ENROLL_TIMEOUT_MS, () => giveUp.abort(new ClientError('relay_unreachable', 'the relay could not be reached', { temporary: true })));
  const signal = options.signal ?? giveUp.signal;
  return enroll({ link, root, device, rights, environment, ed25519, openTransport, signal, ...founding }).finally(() => timer.cancel());
}

/** The stored state, at the relay the space has now. */
async function atRelay(stored: DeviceState, address: RelayAddress | undefined, options: OpenSpaceOptions, { storage }: Ground): Promise<DeviceState> {
  const failover = failoverOf(options);
  if (stored.carry !== null && stored.carry !== undefined && failover === undefined) {
    throw new ClientError('part_missing', 'the stored device fails over between relays', { hint: 'Give openSpace the part failover of sealrelay/client/regions.' });
  }
  if (address === undefined) return restartMoved(stored);
  if (!equalBytes(address.logId, addressOf(stored).logId)) return (failover?.move ?? moveHouse)(stored, address, storage);
  // The same relay under another name.
  return { ...restartMoved(stored), relay: formatRelayAddress(address) };
}

function relayOf({ relay }: OpenSpaceOptions): RelayAddress | undefined {
  return relay === undefined ? undefined : addressed(() => parseRelayAddress(relay), 'bad_address');
}

function carryOf(options: SpaceOptions): CarryMark | null {
  return failoverOf(options) === undefined ? null : { known: [], owes: false, awaits: null };
}

async function prepare(options: SpaceOptions, internals: Internals): Promise<Ground> {
  const window = options.batchWindowMs ?? BATCH_WINDOW_MS;
  if (!(window >= 0 && window <= BATCH_WINDOW_MS_MAX)) throw new ClientError('bad_option', `batchWindowMs is not from 0 to ${BATCH_WINDOW_MS_MAX}`);
  const token = options.admission?.token;
  if (token !== undefined && (token === '' || new TextEncoder().encode(token).length > ADMISSION_BYTES_MAX)) {
    throw new ClientError('bad_option', `the admission token has not from 1 to ${ADMISSION_BYTES_MAX} bytes`);
  }
  const ed25519 = await ed25519Of(options);
  const environment = environmentWith(options.environment);
  return { environment, ed25519, openTransport: internals.openTransport ?? transportOf(options, environment), storage: options.storage ?? new MemoryDeviceStore() };
}

async function ed25519Of({ parts }: SpaceOptions): Promise<Ed25519> {
  try {
    return await createEd25519(parts?.find(({ ed25519 }) => ed25519 !== undefined)?.ed25519);
  } catch (cause) {
    if (cause instanceof PlatformError) throw new ClientError(cause.code, cause.message, { hint: cause.hint, cause });
    throw cause;
  }
}

function transportOf(options: SpaceOptions, environment: Environment): OpenTransport {
  const webSockets = webSocketTransport(webSocketOf(options));
  return options.parts?.find(({ transport }) => transport !== undefined)?.transport?.(webSockets, environment) ?? webSockets;
}

function webSocketOf(options: SpaceOptions): WebSocketConstructor {
  const webSocket = options.webSocket ?? (globalThis.WebSocket as WebSocketConstructor | undefined);
  if (webSocket !== undefined) return webSocket;
  throw new ClientError('no_websocket', 'this platform has no WebSocket', { hint: 'Pass one as webSocket, for example that of the package ws.' });
}

function addressOf(state: DeviceState): RelayAddress {
  return addressed(() => parseRelayAddress(state.relay), 'state_damaged');
}

function parsedLink(text: string): ReturnType<typeof parseSpaceLink> {
  return addressed(() => parseSpaceLink(text), 'bad_link');
}

const NAMES = { bad_address: 'that is no relay address', bad_link: 'that is no space link', state_damaged: 'the stored relay address does not hold' } as const;

function addressed<T>(parse: () => T, code: 'bad_address' | 'bad_link' | 'state_damaged'): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new ClientError(code, `${NAMES[code]} (${cause.message})`, { cause, hint: 'Copy it again, complete, from where it was shown.' });
  }
}
