/*
 * A space that fails over between relays which do not copy it: each relay has a log of its own, and a device keeps one place (cursor,
 * verified head, ack) for each log id. Entries are the same everywhere, by device, push_seq and entry id; their order is not.
 */
import { formatRelayAddress, parseRelayAddress } from '../../protocol/address.js';
import type { RelayAddress } from '../../protocol/address.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { toHex } from '../../protocol/hex.js';
import { LOG_PLACES_MAX } from '../limits.js';
import { LOG_EPOCH_NONE } from '../log/device-chains.js';
import type { ChainLink } from '../log/device-chains.js';
import { decodeAttestation } from '../log/encode-attestation.js';
import type { DeviceState, DeviceStore, Knowledge, LogPlace } from '../store/device-store.js';

/** The state of a device that goes on at the relay of another region, from where it was in that relay's log. */
export async function moveRegion(state: DeviceState, address: RelayAddress, storage: DeviceStore): Promise<DeviceState> {
  const kept = await storage.outbox.load();
  // First the outbox: when the process ends in between, the old relay calls what is pushed again a duplicate.
  await storage.outbox.put(kept.filter(({ seq }) => seq > 0).map((entry) => ({ ...entry, seq: 0 })));
  const there = (state.elsewhere ?? []).find(({ logId }) => equalBytes(logId, address.logId));
  const others = (state.elsewhere ?? []).filter((place) => place !== there);
  const known = knowledgeOf(state.chains);
  const moved: DeviceState = {
    ...state,
    relay: formatRelayAddress(address),
    roster: { ...state.roster, confirmed: false },
    log: there?.log ?? null,
    chains: state.chains.map((link) => ({ ...link, logEpoch: LOG_EPOCH_NONE })),
    own: { ...state.own, storedPushSeq: there?.storedPushSeq ?? 0 },
    acked: there?.acked ?? { logEpoch: 0, size: 0, time: 0 },
    moved: null,
    expected: null,
    carry: {
      known,
      owes: there === undefined ? known.length > 0 : there.owes || !covers(there.known, known),
      awaits: there?.awaits ?? null,
    },
    elsewhere: [placeOf(state, known), ...others].slice(0, LOG_PLACES_MAX),
  };
  await storage.save(moved);
  return moved;
}

/** The seq that an own entry has at most which the relay of this place receipted. */
export function highestSeqOf({ log }: Pick<DeviceState, 'log'>): number {
  return log?.newest ? decodeAttestation(log.newest).size : (log?.tree.size ?? 0);
}

/** What was handed to the app of each device's entries. */
function knowledgeOf(chains: readonly ChainLink[]): readonly Knowledge[] {
  return chains.filter(({ deliveredSeq }) => deliveredSeq > 0).map(({ device, deliveredSeq }) => ({ device, pushSeq: deliveredSeq }));
}

/** Whether one side knows everything the other one does. */
export function covers(wide: readonly Knowledge[], narrow: readonly Knowledge[]): boolean {
  const upTo = new Map(wide.map(({ device, pushSeq }) => [toHex(device), pushSeq]));
  return narrow.every(({ device, pushSeq }) => pushSeq <= (upTo.get(toHex(device)) ?? 0));
}

/** Up to which own push_seq every other relay that this device left holds its entries; infinite when it left none. */
export function heldElsewhere(places: readonly LogPlace[]): number {
  return Math.min(Number.POSITIVE_INFINITY, ...places.map(({ storedPushSeq }) => storedPushSeq));
}

function placeOf({ relay, log, acked, own, carry }: DeviceState, known: readonly Knowledge[]): LogPlace {
  const { owes = false, awaits = null } = carry ?? {};
  return { logId: parseRelayAddress(relay).logId, log, acked, storedPushSeq: own.storedPushSeq, known, owes, awaits };
}
