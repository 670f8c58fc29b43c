/*
 * A device that was told another relay of its space: what it verified there it keeps, and it checks that the new relay's log holds the
 * same entries in the same order before it goes on from where it was.
 */
import { equalBytes } from '../../protocol/equal-bytes.js';
import { CompactRange } from '../../protocol/merkle.js';
import { formatRelayAddress, parseRelayAddress } from '../../protocol/address.js';
import type { RelayAddress } from '../../protocol/address.js';
import type { WelcomeFrame } from '../../protocol/relay-frame.js';
import type { SessionLink } from '../connection/connection-handler.js';
import { LOG_EPOCH_NONE } from '../log/device-chains.js';
import type { OtherFolds } from '../log/other-fold.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import type { DeviceState, DeviceStore, MovedFrom } from '../store/device-store.js';
import type { ForgottenHistory } from '../sync/forgotten-history.js';
import type { SpaceContext } from './space-context.js';

/** The state of a device that goes on at another relay; nothing it pushed counts as stored there until the new log shows it. */
export async function moveHouse(state: DeviceState, address: RelayAddress, storage: DeviceStore): Promise<DeviceState> {
  const kept = await storage.outbox.load();
  // First the outbox: when the process ends in between, the old relay calls what is pushed again a duplicate.
  await storage.outbox.put(kept.filter(({ seq }) => seq > 0).map((entry) => ({ ...entry, seq: 0 })));
  const moved: DeviceState = {
    ...state,
    relay: formatRelayAddress(address),
    roster: { ...state.roster, confirmed: false },
    log: null,
    chains: state.chains.map((link) => ({ ...link, logEpoch: LOG_EPOCH_NONE })),
    own: { ...state.own, storedPushSeq: 0 },
    acked: { logEpoch: 0, size: 0, time: 0 },
    moved: state.moved ?? movedFrom(state),
    expected: null,
  };
  await storage.save(moved);
  return moved;
}

function movedFrom({ log, relay }: DeviceState): MovedFrom | null {
  // A fold that waits for a log reset is of an old tree, and its head was never attested in the present one.
  if (log === null || log.tree.ahead.length > 0) return null;
  const { origin, size, range } = log.tree;
  return { logId: parseRelayAddress(relay).logId, origin, size, range };
}

/** The state of a device that ended in the middle of the comparison: what it had folded of both logs is gone, so it begins again. */
export function restartMoved(state: DeviceState): DeviceState {
  return state.moved ? { ...state, log: null } : state;
}

/**
 * Compares the new log with the old one and continues behind it. A log that is shorter, or of which the leaves are not held, cannot be compared:
 * it may hold entries this device never saw, so it is read from its beginning, and the app is handed what it does not have.
 */
export async function continueMoved(context: SpaceContext, folds: OtherFolds, history: ForgottenHistory, link: SessionLink, welcome: WelcomeFrame): Promise<void> {
  const { moved } = context.marks;
  if (moved === null) return;
  const head = CompactRange.fromHashes(moved.size - moved.origin.baseSize + 1, moved.range)?.root();
  const verified = head !== undefined && welcome.attestation.size >= moved.size && (await isContinued({ context, folds, history, link, welcome }, moved, head));
  if (!verified) context.log.startOver();
  context.marks.moved = null;
  await context.save();
  context.events.emit('moved', { size: context.log.size, verified });
}

interface Comparison {
  readonly context: SpaceContext;
  readonly folds: OtherFolds;
  readonly history: ForgottenHistory;
  readonly link: SessionLink;
  readonly welcome: WelcomeFrame;
}

/** Whether the new log begins with the whole old one; throws `fork` when it holds other entries in their place. */
async function isContinued({ context, folds, history, link, welcome }: Comparison, moved: MovedFrom, head: Uint8Array): Promise<boolean> {
  const other = folds.at(context.log.size, { space: context.identity.space, logId: moved.logId }, moved.origin);
  if (other === undefined || !(await history.extend(link, moved.size, welcome.attestation.time, other)) || other.size !== moved.size) return false;
  if (equalBytes(other.root(), head)) return true;
  throw new MisbehaviourError(finding('fork', `the new relay shows another history up to ${moved.size} than this device verified at the old one`));
}
