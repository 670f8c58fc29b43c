import { createPrivateKey, sign as nodeSign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nobleEd25519 } from '../../../src/client/crypto/ed25519-noble.js';
import { compareBytes } from '../../../src/protocol/equal-bytes.js';
import { fromHex } from '../../../src/protocol/hex.js';
import { hash, ZEROS } from '../../../src/protocol/hash.js';
import { RosterError } from '../../../src/protocol/roster-error.js';
import { verifyChain } from '../../../src/protocol/roster-rules.js';
import type { ChainAnchor } from '../../../src/protocol/roster-rules.js';
import { deviceOf, encodeRoster, entryAllowed, parseRoster, rosterSigningBytes } from '../../../src/protocol/roster.js';
import type { DeviceRights, FormerDevice, Roster, RosterDevice, RosterFields } from '../../../src/protocol/roster.js';

const ed25519 = nobleEd25519();
const PKCS8_HEAD = fromHex('302e020100300506032b657004220420')!;

interface Signer {
  readonly key: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

async function signer(name: string): Promise<Signer> {
  const seed = hash(new TextEncoder().encode(name));
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
  return { key: await ed25519.publicKey(seed), sign: (message) => Uint8Array.from(nodeSign(null, message, privateKey)) };
}

const root = await signer('root');
const admin = await signer('admin');
const writer = await signer('writer');
const reader = await signer('reader');
const fresh = await signer('fresh');
const hpkeOf = (of: Signer): Uint8Array => hash(of.key);
const listed = (of: Signer, rights: DeviceRights): RosterDevice => ({ key: of.key, hpke: hpkeOf(of), rights, notAfter: 0 });
const left = (of: Signer, pushSeqMax: number): FormerDevice => ({ key: of.key, pushSeqMax });
const byKey = <T extends { key: Uint8Array }>(items: readonly T[]): T[] => items.toSorted((a, b) => compareBytes(a.key, b.key));

const members = byKey([listed(admin, 'admin'), listed(writer, 'write'), listed(reader, 'read')]);
const without = (...gone: Signer[]): RosterDevice[] => members.filter(({ key }) => !gone.some((one) => compareBytes(one.key, key) === 0));

function statement(by: Signer, change: Partial<RosterFields> = {}): Roster {
  const fields: RosterFields = {
    queueMode: false,
    space: root.key,
    version: 1,
    previous: ZEROS,
    keyEpoch: 1,
    keyringHash: hash(),
    rootHpke: hash(root.key),
    devices: members,
    former: [],
    signer: by.key,
    ...change,
  };
  return parseRoster(encodeRoster(fields, by.sign(rosterSigningBytes(fields))));
}

const first = statement(root);
const after = (before: Roster, by: Signer, change: Partial<RosterFields> = {}): Roster =>
  statement(by, { version: before.version + 1, previous: before.hash, keyEpoch: before.keyEpoch, former: before.former, ...change });
const removal = { devices: without(writer), former: [left(writer, 17)], keyEpoch: 2 };

async function outcome(chain: readonly Roster[], anchor: Partial<ChainAnchor> = {}): Promise<string> {
  try {
    const newest = await verifyChain(chain.map(({ bytes }) => bytes), { space: root.key, ...anchor }, ed25519);
    return `version ${newest.version}`;
  } catch (error) {
    if (error instanceof RosterError) return error.code;
    throw error;
  }
}

describe('roster statements', () => {
  it('come back from their bytes as they were', () => {
    const roster = statement(admin, { ...removal, queueMode: true, version: 9, previous: first.hash });
    expect(parseRoster(roster.bytes)).toEqual(roster);
    expect(roster.former).toEqual([left(writer, 17)]);
  });

  const swapped = members.toReversed();
  it.each([
    ['devices out of order', { devices: swapped }],
    ['a device twice', { devices: [members[0]!, members[0]!] }],
    ['the space as a device', { devices: [{ ...members[0]!, key: root.key }] }],
    ['the space as a former device', { former: [left(root, 1)] }],
    ['a device both present and former', { former: [left(writer, 1)] }],
    ['a key of small order', { devices: [{ ...members[0]!, key: Uint8Array.of(1, ...new Uint8Array(31)) }] }],
    ['a key that is no point', { devices: [{ ...members[0]!, key: Uint8Array.of(2, ...new Uint8Array(31)) }] }],
    ['version 0', { version: 0 }],
    ['key epoch 0', { keyEpoch: 0 }],
    ['a first version with a previous one', { previous: hash() }],
  ] satisfies [string, Partial<RosterFields>][])('with %s are malformed', (_, change) => {
    expect(() => statement(root, change)).toThrow(RosterError);
  });

  it.each([
    ['format', 0, 2],
    ['flags', 1, 2],
    ['rights', 2 + 32 + 8 + 32 + 4 + 32 + 32 + 2 + 64, 2],
  ])('with an unknown %s are malformed', (_, at, value) => {
    const bytes = Uint8Array.from(first.bytes);
    bytes[at] = value;
    expect(() => parseRoster(bytes)).toThrow(RosterError);
    expect(() => parseRoster(first.bytes.subarray(1))).toThrow(RosterError);
  });

  it('say whose entries count', () => {
    const roster = after(first, admin, removal);
    expect(deviceOf(roster, admin.key)?.rights).toBe('admin');
    expect(entryAllowed(roster, admin.key, 1_000_000)).toBe(true);
    expect(entryAllowed(roster, reader.key, 1)).toBe(false);
    expect(entryAllowed(roster, writer.key, 17)).toBe(true);
    expect(entryAllowed(roster, writer.key, 18)).toBe(false);
    expect(entryAllowed(roster, fresh.key, 1)).toBe(false);
  });
});

describe('roster chains', () => {
  const second = after(first, admin, removal);
  const third = after(second, admin, { devices: byKey([...second.devices, listed(fresh, 'write')]), keyEpoch: 2 });

  it('stand on their own from a root-signed statement on', async () => {
    expect(await outcome([first, second, third])).toBe('version 3');
    expect(await outcome([second, third])).toBe('not_anchored');
    expect(await outcome([])).toBe('chain_length');
    expect(await outcome([statement(admin)])).toBe('not_anchored');
  });

  it('are at most 1,024 statements and 512 KiB', async () => {
    const verify = (chain: Uint8Array[]): Promise<unknown> => verifyChain(chain, { space: root.key }, ed25519);
    await expect(verify([new Uint8Array(300 * 1024), new Uint8Array(300 * 1024)])).rejects.toMatchObject({ code: 'chain_length' });
    await expect(verify(Array.from({ length: 1025 }, () => new Uint8Array(1)))).rejects.toMatchObject({ code: 'chain_length' });
  });

  it('continue from what is known; what is known already is skipped', async () => {
    expect(await outcome([third], { known: second })).toBe('version 3');
    expect(await outcome([first, second, third], { known: second })).toBe('version 3');
    expect(await outcome([second], { known: second })).toBe('version 2');
    expect(await outcome([third], { known: first })).toBe('version');
  });

  it('lower than what is known, or another one at that version, is proof', async () => {
    const branch = after(first, admin, { ...removal, former: [left(writer, 18)] });
    expect(await outcome([first], { known: second })).toBe('rollback');
    expect(await outcome([first, branch], { known: second })).toBe('fork');
    expect(await outcome([after(branch, admin, { keyEpoch: 2, devices: branch.devices })], { known: second })).toBe('previous');
    const pinned = { version: 2, hash: second.hash };
    expect(await outcome([first, second, third], { pinned })).toBe('version 3');
    expect(await outcome([first], { pinned })).toBe('rollback');
    expect(await outcome([first, branch], { pinned })).toBe('fork');
  });

  it('may be repaired by the root from any older version', async () => {
    const repair = statement(root, { ...removal, version: 9, keyEpoch: 5 });
    expect(await outcome([repair], { known: second })).toBe('version 9');
    expect(await outcome([repair])).toBe('version 9');
    expect(await outcome([first, repair])).toBe('version 9');
    const raised = statement(root, { ...removal, version: 9, former: [left(writer, 20)] });
    expect(await outcome([raised], { known: second })).toBe('version 9');
    const lowered = statement(root, { ...removal, version: 9, former: [left(writer, 16)] });
    expect(await outcome([lowered], { known: second })).toBe('former_changed');
  });

  it.each([
    ['a signer without admin', () => after(first, writer), 'signer'],
    ['a signer that is no device', () => after(first, fresh), 'signer'],
    ['a version that skips', () => after(first, admin, { version: 3 }), 'version'],
    ['another previous hash', () => after(first, admin, { previous: hash() }), 'previous'],
    ['a device that left without a trace', () => after(first, admin, { devices: without(writer), keyEpoch: 2 }), 'former_missing'],
    ['a removal without rotation', () => after(first, admin, { ...removal, keyEpoch: 1 }), 'key_epoch'],
    ['a key epoch that skips', () => after(first, admin, { ...removal, keyEpoch: 3 }), 'key_epoch'],
    ['a changed hpke key without rotation', () => after(first, admin, { devices: members.map((device) => ({ ...device, hpke: hash(device.hpke) })) }), 'key_epoch'],
    ['write taken from one that stays', () => after(first, admin, { devices: members.map((device) => ({ ...device, rights: 'read' as const })) }), 'write_lost'],
    ['another root_hpke', () => after(first, admin, { rootHpke: hash() }), 'root_hpke'],
    ['another root_hpke by the root', () => after(first, root, { rootHpke: hash() }), 'root_hpke'],
    ['another space', () => after(first, fresh, { space: fresh.key }), 'foreign_space'],
  ])('refuse %s', async (_, next, code) => {
    expect(await outcome([first, next()])).toBe(code);
  });

  it('refuse to forget, change or bring back former devices', async () => {
    expect(await outcome([first, second, after(second, admin, { devices: second.devices, former: [] })])).toBe('former_missing');
    expect(await outcome([first, second, after(second, admin, { devices: second.devices, former: [left(writer, 18)] })])).toBe('former_changed');
    expect(await outcome([first, second, after(second, admin, { devices: members, former: [] })])).toBe('former_returned');
  });

  it('refuse every signature that is not the signer’s', async () => {
    const fields = { ...second };
    const forged = parseRoster(encodeRoster(fields, writer.sign(rosterSigningBytes(fields))));
    expect(await outcome([first, forged])).toBe('signature');
    const anchored = parseRoster(encodeRoster(first, admin.sign(rosterSigningBytes(first))));
    expect(await outcome([anchored])).toBe('signature');
  });
});
