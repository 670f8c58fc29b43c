import { describe, expect, it } from 'vitest';
import { NONCE_ZERO, aesSeal, importAesKey } from '../../../src/client/crypto/aes-gcm.js';
import { derive } from '../../../src/client/crypto/derive.js';
import { hpkeOpen, hpkeSeal } from '../../../src/client/crypto/hpke.js';
import { keyringRecipients, openKeyring, sealKeyring } from '../../../src/client/crypto/keyring.js';
import type { EpochKeys } from '../../../src/client/crypto/keyring.js';
import { decodeDeviceSecret, deriveRootSecret, encodeDeviceSecret, generateDeviceSecret } from '../../../src/client/crypto/keys.js';
import type { DeviceSecret } from '../../../src/client/crypto/keys.js';
import { SealError } from '../../../src/client/crypto/seal-error.js';
import { ByteWriter } from '../../../src/protocol/byte-writer.js';
import { compareBytes } from '../../../src/protocol/equal-bytes.js';
import { hash, ZEROS } from '../../../src/protocol/hash.js';
import { encodeRoster, parseRoster, rosterSigningBytes } from '../../../src/protocol/roster.js';
import type { Roster } from '../../../src/protocol/roster.js';
import { bytes32, device, ed25519, flipped, namedRandom, text } from './fixtures.js';

const root = await deriveRootSecret(bytes32('root secret'), ed25519);
const devices = await Promise.all(['a', 'b', 'c'].map((name) => device(name)));
const outsider = await device('outsider');
const history: EpochKeys = new Map([
  [1, bytes32('epoch 1')],
  [2, bytes32('epoch 2')],
]);
const epochKeys: EpochKeys = new Map([...history, [3, bytes32('epoch 3')]]);

async function rosterFor(keyring: Uint8Array, keyEpoch = 3, members: readonly DeviceSecret[] = devices): Promise<Roster> {
  const fields = {
    queueMode: false,
    space: root.key,
    version: 1,
    previous: ZEROS,
    keyEpoch,
    keyringHash: hash(keyring),
    rootHpke: root.hpke,
    devices: members
      .map(({ key, hpke }) => ({ key, hpke, rights: 'write' as const, notAfter: 0 }))
      .toSorted((x, y) => compareBytes(x.key, y.key)),
    former: [],
    signer: root.key,
  };
  return parseRoster(encodeRoster(fields, await ed25519.sign(root.seed, rosterSigningBytes(fields))));
}

const recipients = keyringRecipients(await rosterFor(new Uint8Array()));
const seal = (change: Partial<Parameters<typeof sealKeyring>[0]> = {}): Promise<Uint8Array> =>
  sealKeyring({ space: root.key, keyEpoch: 3, epochKeys, recipients, random: namedRandom('keyring'), ...change });

async function codeOf(keyring: Uint8Array, change: Partial<Parameters<typeof openKeyring>[0]> = {}): Promise<string> {
  const { hpke, hpkeSecret } = devices[0]!;
  try {
    await openKeyring({ keyring, roster: await rosterFor(keyring), hpke, hpkeSecret, known: new Map(), ...change });
    return 'opened';
  } catch (error) {
    if (error instanceof SealError) return error.code;
    throw error;
  }
}

describe('keyrings', () => {
  it('every device and the root get the keys of all epochs', async () => {
    const keyring = await seal();
    const roster = await rosterFor(keyring);
    for (const { hpke, hpkeSecret } of [root, ...devices]) {
      const keys = await openKeyring({ keyring, roster, hpke, hpkeSecret, known: history });
      expect([...keys].toSorted(([a], [b]) => a - b)).toEqual([...epochKeys]);
    }
  });

  it('keys known before stay the same objects, so that what was derived from them is kept', async () => {
    const keyring = await seal();
    const { hpke, hpkeSecret } = devices[1]!;
    const keys = await openKeyring({ keyring, roster: await rosterFor(keyring), hpke, hpkeSecret, known: history });
    expect(keys.get(2)).toBe(history.get(2));
  });

  it('nobody else opens it', async () => {
    const keyring = await seal();
    expect(await codeOf(keyring, { hpke: outsider.hpke, hpkeSecret: outsider.hpkeSecret })).toBe('keyring_slots');
    expect(await codeOf(keyring, { hpkeSecret: outsider.hpkeSecret })).toBe('keyring_slot');
  });

  it('a keyring the roster does not name is refused', async () => {
    const keyring = await seal();
    expect(await codeOf(keyring, { roster: await rosterFor(await seal({ random: namedRandom('again') })) })).toBe('keyring_hash');
  });

  it('a keyring that leaves a device out, or puts slots in another order, is refused by all', async () => {
    expect(await codeOf(await seal({ recipients: recipients.slice(0, -1) }))).toBe('keyring_slots');
    expect(await codeOf(await seal({ recipients: recipients.toReversed() }))).toBe('keyring_slots');
  });

  it('of another epoch, with another key for a known epoch, or without one: keyring_conflict', async () => {
    expect(await codeOf(await seal(), { roster: await rosterFor(await seal(), 4) })).toBe('keyring_conflict');
    expect(await codeOf(await seal(), { known: new Map([[2, bytes32('another')]]) })).toBe('keyring_conflict');
    const forgetful = await seal({ epochKeys: new Map([[3, bytes32('epoch 3')]]) });
    expect(await codeOf(forgetful, { known: history })).toBe('keyring_conflict');
    expect(await codeOf(forgetful)).toBe('opened');
  });

  it('every flipped byte is refused, even when the roster names the damaged bytes', async () => {
    const keyring = await seal();
    const own = recipients.findIndex((recipient) => compareBytes(recipient, devices[0]!.hpke) === 0);
    const slot = (index: number): number => 39 + 112 * index;
    const regions = { keyEpoch: 4, salt: 10, recipient: slot(own) + 3, enc: slot(own) + 40, ct: slot(own) + 70, history: keyring.length - 5, length: 37 };
    const codes = new Map<string, string>();
    for (const [region, at] of Object.entries(regions)) codes.set(region, await codeOf(flipped(keyring, 8 * at)));
    expect(Object.fromEntries(codes)).toEqual({
      keyEpoch: 'keyring_conflict',
      salt: 'keyring_history',
      recipient: 'keyring_slots',
      enc: 'keyring_slot',
      ct: 'keyring_slot',
      history: 'keyring_history',
      length: 'keyring_layout',
    });
  });

  it.each([
    ['epochs out of order', [2, 1]],
    ['an epoch twice', [1, 1]],
    ['its own epoch', [1, 3]],
    ['epoch 0', [0]],
  ])('a history with %s is refused', async (_, epochs) => {
    const keyring = await seal();
    const about = new ByteWriter().raw32(root.key).u32(3).finish();
    const key = derive(bytes32('epoch 3'), keyring.slice(5, 37), 'keyring-history', about, 32);
    const plaintext = new ByteWriter().u16(epochs.length).each(epochs, (to, epoch) => to.u32(epoch).raw32(bytes32('key'))).finish();
    const history = await aesSeal(await importAesKey(key, 'encrypt'), NONCE_ZERO, new Uint8Array(), plaintext);
    const crafted = new ByteWriter().raw(keyring.subarray(0, 39 + 112 * recipients.length)).bytes32(history).finish();
    expect(await codeOf(crafted)).toBe('keyring_history');
  });

  it('is bound to its space', async () => {
    expect(await codeOf(await seal({ space: bytes32('another space') }))).toBe('keyring_slot');
  });

  it('holds 256 devices within its limit', async () => {
    const many = Array.from({ length: 257 }, () => outsider.hpke);
    const keyring = await seal({ recipients: many });
    expect(keyring.length).toBeLessThan(128 * 1024);
  }, 120_000);
});

describe('HPKE', () => {
  const sealTo = (recipient: Uint8Array): ReturnType<typeof hpkeSeal> =>
    hpkeSeal({ recipient, info: text('info'), aad: text('aad'), plaintext: text('secret'), ephemeralSeed: bytes32('ephemeral') });

  it('opens with the same info and associated data only', async () => {
    const { enc, ct } = await sealTo(outsider.hpke);
    const opening = { secret: outsider.hpkeSecret, enc, info: text('info'), aad: text('aad'), sealed: ct };
    expect(await hpkeOpen(opening)).toEqual(text('secret'));
    expect(await hpkeOpen({ ...opening, info: text('other') })).toBeUndefined();
    expect(await hpkeOpen({ ...opening, aad: text('other') })).toBeUndefined();
    expect(await hpkeOpen({ ...opening, enc: new Uint8Array(32) })).toBeUndefined();
    expect(await hpkeOpen({ ...opening, enc: enc.subarray(1) })).toBeUndefined();
  });

  it('does not seal to a key of small order', async () => {
    await expect(sealTo(new Uint8Array(32))).rejects.toThrow();
  });
});

describe('keys', () => {
  it('the root is the same wherever it is derived, and its two keys are independent', async () => {
    const again = await deriveRootSecret(bytes32('root secret'), ed25519);
    expect(again).toEqual(root);
    expect(root.seed).not.toEqual(root.hpkeSecret);
    await expect(deriveRootSecret(new Uint8Array(16), ed25519)).rejects.toMatchObject({ code: 'device_secret' });
  });

  it('a device secret survives its store, and a damaged one is refused', async () => {
    const secret = await generateDeviceSecret(namedRandom('stored'), ed25519);
    const stored = encodeDeviceSecret(secret);
    expect(await decodeDeviceSecret(stored, ed25519)).toEqual(secret);
    for (const at of [0, 8 * 5, 8 * 40, 8 * 70 + 7, 8 * 100]) {
      await expect(decodeDeviceSecret(flipped(stored, at), ed25519)).rejects.toMatchObject({ code: 'device_secret' });
    }
    await expect(decodeDeviceSecret(stored.subarray(1), ed25519)).rejects.toMatchObject({ code: 'device_secret' });
  });
});
