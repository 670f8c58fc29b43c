// The rules by which one statement follows another, and a chain another statement. The relay checks the same rules.
import type { Ed25519 } from './ed25519.js';
import { equalBytes } from './equal-bytes.js';
import { ROSTER_CHAIN_BYTES_MAX, ROSTER_CHAIN_MAX } from './limits.js';
import { RosterError } from './roster-error.js';
import { deviceOf, formerOf, isRootSigned, mayWrite, parseRoster, rosterSigningBytes } from './roster.js';
import type { Roster, RosterDevice, RosterFields } from './roster.js';

/** Throws RosterError when `next` may not follow `before`; signatures and `not_after` are not judged here. */
export function checkFollows(before: Roster, next: RosterFields): void {
  if (!equalBytes(before.space, next.space)) throw new RosterError('foreign_space', 'a statement of another space');
  const rooted = isRootSigned(next);
  if (next.version <= before.version || (!rooted && next.version !== before.version + 1)) {
    throw new RosterError('version', `version ${next.version} cannot follow ${before.version}`);
  }
  if (!rooted && !equalBytes(next.previous, before.hash)) throw new RosterError('previous', 'the previous hash is not that of the statement before');
  if (!rooted && deviceOf(before, next.signer)?.rights !== 'admin') throw new RosterError('signer', 'the signer is no admin');
  if (!equalBytes(before.rootHpke, next.rootHpke)) throw new RosterError('root_hpke', 'root_hpke changed');
  checkFormer(before, next, rooted);
  checkDevices(before, next);
  checkKeyEpoch(before, next, rooted);
}

/** Throws RosterError unless the statement's signature is its signer's. */
async function checkRosterSignature(roster: Roster, ed25519: Ed25519): Promise<void> {
  const holds = await ed25519.verify(roster.signer, rosterSigningBytes(roster), roster.signature);
  if (!holds) throw new RosterError('signature', 'the signature does not hold');
}

/** What a chain is checked against. */
export interface ChainAnchor {
  readonly space: Uint8Array;
  /** The newest statement already believed. */
  readonly known?: Roster;
  /** Version and hash that a space link or an own offer named. */
  readonly pinned?: { readonly version: number; readonly hash: Uint8Array };
}

/** Checks a complete chain against what is known, and gives its newest statement. Throws RosterError. */
export async function verifyChain(chain: readonly Uint8Array[], anchor: ChainAnchor, ed25519: Ed25519): Promise<Roster> {
  if (chain.length === 0 || chain.length > ROSTER_CHAIN_MAX) throw new RosterError('chain_length', `${chain.length} statements`);
  const bytes = chain.reduce((sum, statement) => sum + statement.length, 0);
  if (bytes > ROSTER_CHAIN_BYTES_MAX) throw new RosterError('chain_length', `${bytes} bytes of statements`);
  const rosters = chain.map(parseRoster);
  checkPins(rosters, anchor);
  let newest = anchor.known;
  for (const roster of rosters) {
    if (!equalBytes(roster.space, anchor.space)) throw new RosterError('foreign_space', 'a statement of another space');
    if (newest !== undefined && roster.version <= newest.version && newest === anchor.known) continue;
    if (newest === undefined) checkAnchored(roster);
    else checkFollows(newest, roster);
    await checkRosterSignature(roster, ed25519);
    newest = roster;
  }
  if (newest === undefined) throw new RosterError('not_anchored', 'no statement to stand on');
  return newest;
}

function checkAnchored(roster: Roster): void {
  if (!isRootSigned(roster)) throw new RosterError('not_anchored', 'the first statement is not signed by the root');
}

// A newer chain may skip a pinned version (rule 2), so only a lower end or another hash at that version is proof.
function checkPins(rosters: readonly Roster[], { known, pinned }: ChainAnchor): void {
  const last = rosters.at(-1);
  for (const pin of [known, pinned]) {
    if (pin === undefined) continue;
    const same = rosters.find((roster) => roster.version === pin.version);
    if (same !== undefined && !equalBytes(same.hash, pin.hash)) throw new RosterError('fork', `another version ${pin.version}`);
    if (last !== undefined && last.version < pin.version) throw new RosterError('rollback', `version ${last.version} below ${pin.version}`);
  }
}

function checkFormer(before: Roster, next: RosterFields, rooted: boolean): void {
  for (const kept of before.former) {
    if (deviceOf(next, kept.key) !== undefined) throw new RosterError('former_returned', 'a former key is a device again');
    const carried = formerOf(next, kept.key);
    if (carried === undefined) throw new RosterError('former_missing', 'a former device was dropped');
    const raised = rooted && carried.pushSeqMax > kept.pushSeqMax;
    if (carried.pushSeqMax !== kept.pushSeqMax && !raised) {
      throw new RosterError('former_changed', 'the push_seq_max of a former device changed');
    }
  }
}

function checkDevices(before: Roster, next: RosterFields): void {
  for (const device of before.devices) {
    const after = deviceOf(next, device.key);
    if (after === undefined && formerOf(next, device.key) === undefined) throw new RosterError('former_missing', 'a device left without a trace');
    if (after !== undefined && mayWrite(device) && !mayWrite(after)) throw new RosterError('write_lost', 'a device that stays lost write');
  }
}

function checkKeyEpoch(before: Roster, next: RosterFields, rooted: boolean): void {
  const step = next.keyEpoch - before.keyEpoch;
  if (step < 0 || (!rooted && step > 1)) {
    throw new RosterError('key_epoch', `key epoch ${next.keyEpoch} cannot follow ${before.keyEpoch}`);
  }
  const rotates = before.devices.some((device) => mustRotate(device, deviceOf(next, device.key)));
  if (rotates && step === 0) throw new RosterError('key_epoch', 'a device left or changed its key and the key epoch stayed');
}

function mustRotate(before: RosterDevice, after: RosterDevice | undefined): boolean {
  return after === undefined || !equalBytes(before.hpke, after.hpke);
}
