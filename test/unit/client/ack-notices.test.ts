// What another device's ack proves, and what it does not.
import { expect, test } from 'vitest';
import { ackSigningBytes } from '../../../src/protocol/ack.js';
import type { AckNoticeFrame } from '../../../src/protocol/relay-frame.js';
import { createEd25519 } from '../../../src/client/crypto/ed25519.js';
import type { Misbehaviour } from '../../../src/client/misbehaviour.js';
import { AckNotices } from '../../../src/client/space/ack-notices.js';
import type { SpaceContext } from '../../../src/client/space/space-context.js';
import { ManualClock } from '../../support/manual-clock.js';

const raw = new Uint8Array(1);
const identity = { space: new Uint8Array(32).fill(1), logId: new Uint8Array(32).fill(2) };

/** A device at log epoch 1, and what it says about another one's ack of `ackedEpoch` while the relay's epoch is `relayEpoch`. */
async function told(ackedEpoch: number, relayEpoch: number): Promise<string[]> {
  const ed25519 = await createEd25519();
  const seed = new Uint8Array(32).fill(7);
  const device = await ed25519.publicKey(seed);
  const head = new Uint8Array(32).fill(3);
  const acked = { logEpoch: ackedEpoch, size: 4, head };
  const notice: AckNoticeFrame = { type: 'AckNotice', device, ...acked, signature: await ed25519.sign(seed, ackSigningBytes(identity, acked)) };
  const reports: Misbehaviour[] = [];
  const context = {
    identity,
    ed25519,
    environment: new ManualClock(),
    device: { key: new Uint8Array(32) },
    roster: { known: { devices: [{ key: device }] } },
    log: { logEpoch: 1, size: 0, claim: () => [], headAt: () => undefined },
    report: (found: Misbehaviour) => void reports.push(found),
  };
  await new AckNotices(context as unknown as SpaceContext).take(notice, raw, relayEpoch);
  return reports.map(({ kind }) => kind);
}

test('an ack of the epoch that the welcome named may come before the log reset that leads there', async () => {
  expect(await told(9, 9)).toEqual([]);
});

test('an ack of an epoch above the relay is a fork', async () => {
  expect(await told(9, 1)).toEqual(['fork']);
  expect(await told(10, 9)).toEqual(['fork']);
});
