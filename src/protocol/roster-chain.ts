// The chain and keyring as Proof, RosterPut and RosterUpdate carry them: complete statements, unparsed.
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { KEYRING_BYTES_MAX, ROSTER_BYTES_MAX, ROSTER_CHAIN_MAX } from './limits.js';

/** Roster statements in order, and the keyring of the last one. */
export interface ChainAndKeyring {
  readonly chain: readonly Uint8Array[];
  readonly keyring: Uint8Array;
}

export function writeChainAndKeyring(writer: ByteWriter, { chain, keyring }: ChainAndKeyring): void {
  writer.u16(chain.length).each(chain, (to, statement) => to.bytes32(statement));
  writer.bytes32(keyring);
}

export function readChainAndKeyring(reader: ByteReader): ChainAndKeyring {
  const chain = reader.list(reader.u16(), ROSTER_CHAIN_MAX, (from) => from.bytes32(ROSTER_BYTES_MAX));
  return { chain, keyring: reader.bytes32(KEYRING_BYTES_MAX) };
}
