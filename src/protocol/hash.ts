// SHA-256 and the domain-separated hashes of the protocol: every hashed or signed text starts with a domain of its own.
import { ByteWriter } from './byte-writer.js';
import { Sha256 } from './sha256.js';

/** 32 zero bytes: "none" where a key or hash is optional. */
export const ZEROS: Uint8Array = new Uint8Array(32);

const LEAF_PREFIX = Uint8Array.of(0x00);
const NODE_PREFIX = Uint8Array.of(0x01);

/** The purposes of hashed, signed and derived bytes, as in docs/protocol.md. */
export type DomainName =
  | 'roster'
  | 'keyring'
  | 'keyring-history'
  | 'root-hpke'
  | 'root-key'
  | 'room'
  | 'transcript'
  | 'handshake/client'
  | 'handshake/relay'
  | 'genesis'
  | 'receipt-leaf'
  | 'receipt-root'
  | 'push-leaf'
  | 'ack'
  | 'log-reset'
  | 'snapshot'
  | 'snapshot-ack'
  | 'purge'
  | 'erase'
  | 'sponsor'
  | 'snapshot-key'
  | 'snapshot-chunk'
  | 'blob-key'
  | 'blob-chunk'
  | 'header-epoch'
  | 'content-epoch'
  | 'foreign-secret'
  | 'foreign-keys'
  | 'foreign-record'
  | 'entry-header'
  | 'entry-content'
  | 'entry-signature'
  | 'aad'
  | 'live-key'
  | 'live-aad'
  | 'live-signature'
  | 'topic'
  | 'pairing'
  | 'pairing-code'
  | 'pairing-mailbox'
  | 'pairing-seed'
  | 'pairing-proof'
  | 'pairing-key'
  | 'pairing-aad';

const domains = new Map<DomainName, Uint8Array>();

/** D(name): `sealrelay/v1/` + name + one zero byte. */
export function domain(name: DomainName): Uint8Array {
  const known = domains.get(name);
  if (known !== undefined) return known;
  const bytes = new TextEncoder().encode(`sealrelay/v1/${name}\0`);
  domains.set(name, bytes);
  return bytes;
}

/** H: SHA-256 over the parts, one after the other. */
export function hash(...parts: readonly Uint8Array[]): Uint8Array {
  const state = new Sha256();
  for (const part of parts) state.update(part);
  return state.digest();
}

/** The id of an entry: H(sealed bytes). */
export function entryId(sealed: Uint8Array): Uint8Array {
  return hash(sealed);
}

/** An inner node of any Merkle tree of the protocol. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash(NODE_PREFIX, left, right);
}

/** The clear fields of an entry, which its leaf covers. */
export interface LeafFields {
  readonly device: Uint8Array;
  readonly pushSeq: number;
  readonly keyEpoch: number;
  readonly entryId: Uint8Array;
}

/** The leaf of an entry in its space's log. */
export function entryLeaf(fields: LeafFields): Uint8Array {
  const body = new ByteWriter(77).u8(0).raw32(fields.device).u64(fields.pushSeq).u32(fields.keyEpoch).raw32(fields.entryId);
  return hash(body.finish());
}

/** What the genesis leaf of a log commits to. */
export interface GenesisFields {
  readonly space: Uint8Array;
  readonly logId: Uint8Array;
  readonly logEpoch: number;
  readonly baseSize: number;
  readonly baseHead: Uint8Array;
}

/** Leaf 0 of a space's log in one log epoch. */
export function genesisLeaf(fields: GenesisFields): Uint8Array {
  const body = new ByteWriter().raw32(fields.space).raw32(fields.logId).u64(fields.logEpoch).u64(fields.baseSize).raw32(fields.baseHead);
  return hash(LEAF_PREFIX, domain('genesis'), body.finish());
}

/** What a push leaf commits to: the run of entries one receipt speaks of. */
export interface PushLeafFields {
  readonly device: Uint8Array;
  readonly pushSeqFirst: number;
  readonly seqFirst: number;
  readonly entryIds: readonly Uint8Array[];
}

/** The leaf of one push in a group's `pushes` tree. */
export function pushLeaf(fields: PushLeafFields): Uint8Array {
  const body = new ByteWriter()
    .raw32(fields.device)
    .u64(fields.pushSeqFirst)
    .u64(fields.seqFirst)
    .u32(fields.entryIds.length)
    .raw32(hash(...fields.entryIds));
  return hash(LEAF_PREFIX, domain('push-leaf'), body.finish());
}
