// Makes roster statements with their keyrings: the first of a space, and followers that add or remove a device.
import type { Ed25519 } from '../../protocol/ed25519.js';
import { compareBytes, equalBytes } from '../../protocol/equal-bytes.js';
import { ZEROS, hash } from '../../protocol/hash.js';
import type { ChainAndKeyring } from '../../protocol/roster-chain.js';
import { checkFollows } from '../../protocol/roster-rules.js';
import { deviceOf, encodeRoster, formerOf, rosterSigningBytes } from '../../protocol/roster.js';
import type { FormerDevice, Roster, RosterDevice, RosterFields } from '../../protocol/roster.js';
import { keyringRecipients, sealKeyring } from '../crypto/keyring.js';
import type { EpochKeys } from '../crypto/keyring.js';
import type { DeviceSecret } from '../crypto/keys.js';
import type { Random } from '../crypto/platform.js';
import type { Identity } from '../connection/handshake.js';

export interface BuildTools {
  readonly ed25519: Ed25519;
  readonly random: Random;
}

/** What a new statement changes. */
export interface RosterChange {
  readonly add?: RosterDevice;
  readonly remove?: FormerDevice;
}

/** Version 1 of a space: signed by the root, with one device. */
export async function firstRoster(root: DeviceSecret, device: RosterDevice, tools: BuildTools): Promise<ChainAndKeyring> {
  const fields = { queueMode: false, space: root.key, version: 1, previous: ZEROS, keyEpoch: 1, rootHpke: root.hpke, devices: [device], former: [], signer: root.key };
  return signed(fields, new Map([[1, tools.random(32)]]), root, tools);
}

/** The follower of a statement. Removing a device makes a new key epoch, which the device that left cannot open. */
export async function nextRoster(before: Roster, keys: EpochKeys, change: RosterChange, signer: Identity, tools: BuildTools): Promise<ChainAndKeyring> {
  const { add, remove } = change;
  const devices = before.devices.filter(({ key }) => remove === undefined || !equalBytes(key, remove.key));
  if (add !== undefined) devices.push(add);
  const rotates = devices.length < before.devices.length + (add === undefined ? 0 : 1);
  const keyEpoch = before.keyEpoch + (rotates ? 1 : 0);
  const fields = {
    queueMode: before.queueMode,
    space: before.space,
    version: before.version + 1,
    previous: before.hash,
    keyEpoch,
    rootHpke: before.rootHpke,
    devices: devices.toSorted((a, b) => compareBytes(a.key, b.key)),
    former: (remove === undefined ? before.former : [...before.former, remove]).toSorted((a, b) => compareBytes(a.key, b.key)),
    signer: signer.key,
  };
  checkFollows(before, { ...fields, keyringHash: ZEROS });
  const epochKeys = rotates ? new Map([...keys, [keyEpoch, tools.random(32)] as const]) : keys;
  return signed(fields, epochKeys, signer, tools);
}

/** Whether the change is already in the statement. */
export function isApplied(roster: Roster, { add, remove }: RosterChange): boolean {
  return (add === undefined || deviceOf(roster, add.key) !== undefined) && (remove === undefined || formerOf(roster, remove.key) !== undefined);
}

async function signed(fields: Omit<RosterFields, 'keyringHash'>, epochKeys: EpochKeys, signer: Identity, tools: BuildTools): Promise<ChainAndKeyring> {
  const recipients = keyringRecipients(fields);
  const keyring = await sealKeyring({ space: fields.space, keyEpoch: fields.keyEpoch, epochKeys, recipients, random: tools.random });
  const complete: RosterFields = { ...fields, keyringHash: hash(keyring) };
  const signature = await tools.ed25519.sign(signer.seed, rosterSigningBytes(complete));
  return { chain: [encodeRoster(complete, signature)], keyring };
}
