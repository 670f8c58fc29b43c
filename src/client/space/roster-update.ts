// A roster that the relay shows in an open session: checked against the welcome, stored, and told to the app.
import { equalBytes } from '../../protocol/equal-bytes.js';
import type { RosterUpdateFrame, WelcomeFrame } from '../../protocol/relay-frame.js';
import { deviceOf } from '../../protocol/roster.js';
import { ClientError } from '../client-error.js';
import { MisbehaviourError, finding } from '../misbehaviour.js';
import type { SpaceContext } from './space-context.js';
import { hasParted, rosterParted } from './welcome-check.js';

/** Whether it is another one than this device had; throws `removed` when this device is not in it, and what the relay is caught at. */
export async function takeRoster(context: SpaceContext, welcome: WelcomeFrame, frame: RosterUpdateFrame, raw: Uint8Array): Promise<boolean> {
  const { roster, device, events } = context;
  const changed = await roster.update(frame).catch((cause: unknown) => {
    throw hasParted(context, welcome, cause) ? rosterParted() : cause;
  });
  if (changed || roster.version >= welcome.rosterVersion) roster.confirm(true);
  if (roster.version === welcome.rosterVersion && !equalBytes(roster.hash, welcome.rosterHash)) {
    throw new MisbehaviourError(finding('roster_fork', 'the roster shown is not the one of the welcome', { frames: [raw] }));
  }
  if (!changed || roster.known === undefined) return false;
  await context.save();
  events.emit('roster', roster.known);
  if (deviceOf(roster.known, device.key) === undefined) throw new ClientError('removed', 'this device was removed from the space');
  return true;
}
