import { describe, expect, it } from 'vitest';
import { ackSigningBytes, snapshotAckSigningBytes, verifyAck } from '../../../src/protocol/ack.js';
import { attestationLeaf, groupSigningBytes, verifyAttestation } from '../../../src/protocol/attestation.js';
import type { Attestation } from '../../../src/protocol/attestation.js';
import { entryId, pushLeaf, ZEROS } from '../../../src/protocol/hash.js';
import { proofSigningBytes, transcript1, transcript2, welcomeSigningBytes, withoutSignature } from '../../../src/protocol/handshake.js';
import { logResetSigningBytes, verifyLogReset } from '../../../src/protocol/log-reset.js';
import { inclusionPath, merkleRoot, rootFromPath } from '../../../src/protocol/merkle.js';
import { receiptHolds } from '../../../src/protocol/receipt.js';
import type { ReceiptFrame } from '../../../src/protocol/relay-frame.js';
import { bytes32, device, ed25519, flipped } from '../crypto/fixtures.js';

const authority = await device('authority');
const author = await device('author');
const log = { space: bytes32('space'), logId: authority.key };
const ids = ['a', 'b', 'c'].map((name) => entryId(bytes32(name)));
const pushLeaves = [
  pushLeaf({ device: bytes32('someone'), pushSeqFirst: 1, seqFirst: 38, entryIds: ids.slice(1) }),
  pushLeaf({ device: author.key, pushSeqFirst: 5, seqFirst: 40, entryIds: ids }),
];

async function attested(groupSize: number, index: number): Promise<Attestation> {
  const stated = {
    logEpoch: 1,
    size: 42,
    head: bytes32('head'),
    floor: 1,
    time: 1_700_000_000_000,
    pushes: merkleRoot(pushLeaves),
    salt: bytes32('salt').subarray(0, 16),
    leafIndex: index,
    leafCount: groupSize,
  };
  const draft = { ...stated, path: [], signature: new Uint8Array(64) };
  const leaves = Array.from({ length: groupSize }, (_, i) => (i === index ? attestationLeaf(log, draft) : bytes32(`leaf ${i}`)));
  return { ...stated, path: inclusionPath(leaves, index), signature: await ed25519.sign(authority.seed, groupSigningBytes(merkleRoot(leaves))) };
}

describe('attestations', () => {
  it.each([
    [1, 0],
    [2, 1],
    [7, 6],
    [100, 41],
  ])('in a group of %i at %i hold, and only for their space, log and fields', async (size, index) => {
    const attestation = await attested(size, index);
    expect(await verifyAttestation(log, attestation, ed25519)).toBe(true);
    expect(await verifyAttestation({ ...log, space: bytes32('another') }, attestation, ed25519)).toBe(false);
    expect(await verifyAttestation({ ...log, logId: author.key }, attestation, ed25519)).toBe(false);
    const changes: Partial<Attestation>[] = [
      { logEpoch: 2 },
      { size: 43 },
      { head: bytes32('another') },
      { floor: 2 },
      { time: 1 },
      { pushes: ZEROS },
      { salt: new Uint8Array(16) },
      { leafIndex: size },
      { leafCount: 65_537 },
      { leafCount: 0 },
      { path: [...attestation.path, ZEROS] },
      { signature: flipped(attestation.signature, 300) },
    ];
    for (const change of changes) expect(await verifyAttestation(log, { ...attestation, ...change }, ed25519)).toBe(false);
  });
});

describe('a commit group', () => {
  it('of more than 65,536 leaves is refused, signed or not', async () => {
    const base = await attested(1, 0);
    const claim = (levels: number): Attestation => ({ ...base, leafCount: 2 ** levels, path: Array.from({ length: levels }, (_, i) => bytes32(`node ${i}`)) });
    const signed = async (levels: number): Promise<Attestation> => {
      const { leafCount, path } = claim(levels);
      const root = rootFromPath(attestationLeaf(log, base), { index: 0, leaves: leafCount, path });
      return { ...claim(levels), signature: await ed25519.sign(authority.seed, groupSigningBytes(root ?? ZEROS)) };
    };
    expect(await verifyAttestation(log, await signed(16), ed25519)).toBe(true);
    expect(await verifyAttestation(log, await signed(17), ed25519)).toBe(false);
  });
});

describe('receipts', () => {
  const proof = { index: 1, leaves: 2, path: inclusionPath(pushLeaves, 1) };

  it('hold for exactly the entries that were pushed', async () => {
    const receipt: ReceiptFrame = { type: 'Receipt', pushSeqFirst: 5, count: 3, seqFirst: 40, status: 'stored', attestation: await attested(3, 1), proof };
    const holds = (change: Partial<typeof receipt>, entryIds = ids): boolean => receiptHolds({ ...receipt, ...change }, author.key, entryIds);
    expect(holds({})).toBe(true);
    expect(holds({}, ids.toReversed())).toBe(false);
    expect(holds({}, ids.slice(1))).toBe(false);
    expect(holds({ count: 2 }, ids.slice(1))).toBe(false);
    expect(holds({ pushSeqFirst: 4 })).toBe(false);
    expect(holds({ seqFirst: 39 })).toBe(false);
    expect(holds({ seqFirst: 41 })).toBe(false);
    expect(holds({ proof: { ...proof, index: 0 } })).toBe(false);
    expect(holds({ attestation: { ...receipt.attestation, pushes: ZEROS } })).toBe(false);
    expect(receiptHolds(receipt, bytes32('another'), ids)).toBe(false);
  });

  it('of duplicates claim a place within the attested size, or none', async () => {
    const fields = { type: 'Receipt', pushSeqFirst: 5, count: 3, attestation: await attested(1, 0) } as const;
    const holds = (receipt: ReceiptFrame): boolean => receiptHolds(receipt, author.key, ids);
    expect(holds({ ...fields, status: 'duplicate', seqFirst: 40 })).toBe(true);
    expect(holds({ ...fields, status: 'duplicate', seqFirst: 41 })).toBe(false);
    expect(holds({ ...fields, status: 'duplicate', seqFirst: 0 })).toBe(false);
    expect(holds({ ...fields, status: 'forgotten', seqFirst: 0 })).toBe(true);
    expect(holds({ ...fields, status: 'forgotten', seqFirst: 40 })).toBe(false);
    expect(receiptHolds({ ...fields, count: 0, status: 'duplicate', seqFirst: 40 }, author.key, [])).toBe(false);
  });
});

describe('signed statements', () => {
  it('an ack holds for its log, position and device only', async () => {
    const acked = { logEpoch: 1, size: 42, head: bytes32('head') };
    const ack = { ...acked, signature: await ed25519.sign(author.seed, ackSigningBytes(log, acked)) };
    expect(await verifyAck(log, author.key, ack, ed25519)).toBe(true);
    expect(await verifyAck(log, authority.key, ack, ed25519)).toBe(false);
    expect(await verifyAck({ ...log, space: bytes32('another') }, author.key, ack, ed25519)).toBe(false);
    for (const change of [{ size: 41 }, { logEpoch: 2 }, { head: ZEROS }]) {
      expect(await verifyAck(log, author.key, { ...ack, ...change }, ed25519)).toBe(false);
    }
  });

  it('a log reset is signed by the log it names', async () => {
    const fields = { ...log, oldEpoch: 1, baseSize: 40, baseHead: bytes32('base'), newEpoch: 1_700_000_000_000, time: 1_700_000_000_000 };
    const reset = { ...fields, signature: await ed25519.sign(authority.seed, logResetSigningBytes(fields)) };
    expect(await verifyLogReset(reset, ed25519)).toBe(true);
    expect(await verifyLogReset({ ...reset, baseSize: 39 }, ed25519)).toBe(false);
    expect(await verifyLogReset({ ...reset, logId: author.key }, ed25519)).toBe(false);
  });

  it('every purpose signs another text', () => {
    const t = bytes32('transcript');
    const texts = [proofSigningBytes(t), welcomeSigningBytes(t), groupSigningBytes(t), snapshotAckSigningBytes(t, t), ackSigningBytes(log, { logEpoch: 1, size: 1, head: t })];
    expect(new Set(texts.map((bytes) => Buffer.from(bytes).toString('hex'))).size).toBe(texts.length);
    expect(Buffer.from(proofSigningBytes(t)).toString('latin1')).toMatch(/^sealrelay\/v1\/handshake\/client\0/);
  });

  it('the transcript covers every byte of both sides and where each frame ends', () => {
    const [hello, challenge, proof, welcome] = [bytes32('hello'), bytes32('challenge'), bytes32('proof'), bytes32('welcome')];
    const t1 = transcript1(hello, challenge, proof);
    expect(transcript1(hello, challenge, flipped(proof, 9))).not.toEqual(t1);
    expect(transcript1(Uint8Array.from([...hello, challenge[0]!]), challenge.subarray(1), proof)).not.toEqual(t1);
    const t2 = transcript2(t1, new Uint8Array(64), welcome);
    expect(transcript2(t1, flipped(new Uint8Array(64), 0), welcome)).not.toEqual(t2);
    expect(withoutSignature(new Uint8Array(70))).toHaveLength(6);
  });
});
