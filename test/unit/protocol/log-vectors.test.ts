import { describe, expect, it } from 'vitest';
import { snapshotAckSigningBytes, verifyAck } from '../../../src/protocol/ack.js';
import { attestationLeaf, attestationRoot, readAttestation, verifyAttestation } from '../../../src/protocol/attestation.js';
import type { Attestation } from '../../../src/protocol/attestation.js';
import { ByteReader } from '../../../src/protocol/byte-reader.js';
import { ByteWriter } from '../../../src/protocol/byte-writer.js';
import { decodeClientFrame } from '../../../src/protocol/client-frame-codec.js';
import { FrameError } from '../../../src/protocol/frame-error.js';
import { entryId, entryLeaf, genesisLeaf, hash, pushLeaf, ZEROS } from '../../../src/protocol/hash.js';
import { toHex } from '../../../src/protocol/hex.js';
import { verifyLogReset } from '../../../src/protocol/log-reset.js';
import { CompactRange, inclusionPath, merkleRoot, rootFromPath } from '../../../src/protocol/merkle.js';
import { padme } from '../../../src/protocol/padme.js';
import { decodeRelayFrame } from '../../../src/protocol/relay-frame-codec.js';
import { ed25519 } from '../crypto/fixtures.js';
import { hex, vectors } from './vectors.js';

interface PathVector {
  readonly index: number;
  readonly leaf: string;
  readonly leaves: number;
  readonly path: readonly string[];
}

interface GenesisVector {
  readonly space: string;
  readonly log_id: string;
  readonly log_epoch: number;
  readonly base_size: number;
  readonly base_head: string;
  readonly leaf: string;
}

interface MerkleVectors {
  readonly entry_leaf: { readonly device: string; readonly entry_id: string; readonly key_epoch: number; readonly push_seq: number; readonly sealed: string; readonly leaf: string };
  readonly genesis: readonly GenesisVector[];
  readonly leaves_0_to_4: readonly string[];
  readonly log: {
    readonly device: string;
    readonly heads: readonly { readonly head: string; readonly range: readonly string[]; readonly sealed?: string; readonly size: number }[];
    readonly key_epoch: number;
    readonly log_epoch: number;
    readonly log_id: string;
    readonly space: string;
  };
  readonly paths: readonly PathVector[];
  readonly trees: readonly { readonly leaves: number; readonly range: readonly string[]; readonly root: string | null }[];
}

const leafOf = (i: number): Uint8Array => hash(new TextEncoder().encode('vector leaf'), new ByteWriter().u64(i).finish());
const leavesOf = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => leafOf(i));

describe('Merkle vectors', () => {
  const merkle = vectors<MerkleVectors>('merkle');

  it('leaves', () => {
    expect(merkle.leaves_0_to_4).toEqual(leavesOf(5).map(toHex));
    const { device, entry_id: id, key_epoch: keyEpoch, push_seq: pushSeq, sealed, leaf } = merkle.entry_leaf;
    expect(toHex(entryId(hex(sealed)))).toBe(id);
    expect(toHex(entryLeaf({ device: hex(device), pushSeq, keyEpoch, entryId: hex(id) }))).toBe(leaf);
    for (const genesis of merkle.genesis) {
      const fields = { space: hex(genesis.space), logId: hex(genesis.log_id), logEpoch: genesis.log_epoch, baseSize: genesis.base_size, baseHead: hex(genesis.base_head) };
      expect(toHex(genesisLeaf(fields))).toBe(genesis.leaf);
    }
  });

  it.each(merkle.trees)('a tree of $leaves leaves', ({ leaves, range, root }) => {
    const compact = new CompactRange();
    for (const leaf of leavesOf(leaves)) compact.push(leaf);
    expect(compact.hashes().map(toHex)).toEqual(range);
    if (root !== null) expect(toHex(compact.root())).toBe(root);
    expect(CompactRange.fromHashes(leaves, range.map(hex))?.root()).toEqual(compact.root());
  });

  it.each(merkle.paths)('the path of leaf $index of $leaves', ({ index, leaf, leaves, path }) => {
    expect(toHex(leafOf(index))).toBe(leaf);
    expect(rootFromPath(hex(leaf), { index, leaves, path: path.map(hex) })).toEqual(merkleRoot(leavesOf(leaves)));
    expect(inclusionPath(leavesOf(leaves), index).map(toHex)).toEqual(path);
  });

  it('a log from its genesis leaf on', () => {
    const { log } = merkle;
    const fold = new CompactRange();
    fold.push(genesisLeaf({ space: hex(log.space), logId: hex(log.log_id), logEpoch: log.log_epoch, baseSize: 0, baseHead: ZEROS }));
    for (const { head, range, sealed, size } of log.heads) {
      if (sealed !== undefined) fold.push(entryLeaf({ device: hex(log.device), pushSeq: size, keyEpoch: log.key_epoch, entryId: entryId(hex(sealed)) }));
      expect(fold.hashes().map(toHex)).toEqual(range);
      expect(toHex(fold.root())).toBe(head);
    }
  });
});

interface AttestationVectors {
  readonly log_id: string;
  readonly groups: readonly { readonly root: string; readonly spaces: readonly { readonly hex: string; readonly leaf: string; readonly space: string }[] }[];
  readonly pushes: readonly {
    readonly root: string;
    readonly leaves: readonly {
      readonly device: string;
      readonly entry_ids: readonly string[];
      readonly leaf: string;
      readonly proof: { readonly index: number; readonly leaves: number; readonly path: readonly string[] };
      readonly push_seq_first: number;
      readonly seq_first: number;
    }[];
  }[];
  readonly refused: readonly { readonly description: string; readonly hex: string; readonly space: string }[];
}

function attestationOf(text: string): Attestation {
  const reader = new ByteReader(hex(text));
  const attestation = readAttestation(reader);
  reader.end();
  return attestation;
}

describe('attestation vectors', () => {
  const { log_id: logId, groups, pushes, refused } = vectors<AttestationVectors>('attestations');

  it('groups', async () => {
    for (const { root, spaces } of groups) {
      for (const member of spaces) {
        const log = { space: hex(member.space), logId: hex(logId) };
        const attestation = attestationOf(member.hex);
        expect(toHex(attestationLeaf(log, attestation))).toBe(member.leaf);
        expect(toHex(attestationRoot(log, attestation) ?? ZEROS)).toBe(root);
        expect(await verifyAttestation(log, attestation, ed25519)).toBe(true);
      }
    }
  });

  it('pushes', () => {
    for (const { root, leaves } of pushes) {
      for (const { device, entry_ids: ids, leaf, proof, push_seq_first: pushSeqFirst, seq_first: seqFirst } of leaves) {
        const made = pushLeaf({ device: hex(device), pushSeqFirst, seqFirst, entryIds: ids.map(hex) });
        expect(toHex(made)).toBe(leaf);
        expect(toHex(rootFromPath(made, { ...proof, path: proof.path.map(hex) }) ?? ZEROS)).toBe(root);
      }
      expect(toHex(leaves.length === 0 ? ZEROS : merkleRoot(leaves.map(({ leaf }) => hex(leaf))))).toBe(root);
    }
  });

  it.each(refused)('refused: $description', async ({ hex: text, space }) => {
    expect(await verifyAttestation({ space: hex(space), logId: hex(logId) }, attestationOf(text), ed25519)).toBe(false);
  });
});

interface AckVectors {
  readonly acks: readonly { readonly description: string; readonly hex: string; readonly holds: boolean }[];
  readonly device: string;
  readonly device_seed: string;
  readonly log_id: string;
  readonly snapshot_ack: { readonly signature: string; readonly snapshot: string };
  readonly space: string;
}

describe('ack vectors', () => {
  const file = vectors<AckVectors>('acks');
  const log = { space: hex(file.space), logId: hex(file.log_id) };

  it.each(file.acks)('$description', async ({ hex: text, holds }) => {
    const ack = decodeClientFrame(hex(text));
    expect(ack.type === 'Ack' && (await verifyAck(log, hex(file.device), ack, ed25519))).toBe(holds);
  });

  it('of a snapshot', async () => {
    const { signature, snapshot } = file.snapshot_ack;
    expect(toHex(await ed25519.sign(hex(file.device_seed), snapshotAckSigningBytes(log.space, hex(snapshot))))).toBe(signature);
  });
});

interface LogResetVectors {
  readonly genesis_leaf: string;
  readonly log_resets: readonly { readonly description: string; readonly hex: string; readonly holds: boolean }[];
}

describe('log reset vectors', () => {
  const { genesis_leaf: leaf, log_resets: resets } = vectors<LogResetVectors>('log-resets');

  it.each(resets)('$description', async ({ hex: text, holds }) => {
    const reset = decodeRelayFrame(hex(text));
    expect(reset.type === 'LogReset' && (await verifyLogReset(reset, ed25519))).toBe(holds);
    if (reset.type === 'LogReset' && holds) expect(toHex(genesisLeaf({ ...reset, logEpoch: reset.newEpoch }))).toBe(leaf);
  });

  it('an epoch that does not grow is no LogReset', () => {
    const backwards = Uint8Array.from(hex(resets[0]!.hex));
    backwards.fill(0, 113, 121);
    expect(() => decodeRelayFrame(backwards)).toThrow(FrameError);
  });
});

describe('PADMÉ vectors', () => {
  it.each(vectors<{ readonly lengths: readonly [number, number, number][] }>('padme').lengths)('%i', (length, _, padded) => {
    expect(padme(length)).toBe(padded);
  });
});
