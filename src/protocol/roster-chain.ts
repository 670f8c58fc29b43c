// The chain and keyring as Proof, RosterPut and RosterUpdate carry them: complete statements, unparsed.
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { FrameError } from './frame-error.js';
import { KEYRING_BYTES_MAX, ROSTER_CHAIN_BYTES_MAX, ROSTER_CHAIN_MAX } from './limits.js';

// The length field of a statement.
const STATEMENT_BYTES_MIN = 4;

/** Roster statements in order, and the keyring of the last one. */
export interface ChainAndKeyring {
  readonly chain: readonly Uint8Array[];
  readonly keyring: Uint8Array;
}

/** Appends both to a frame. */
export function writeChainAndKeyring(writer: ByteWriter, { chain, keyring }: ChainAndKeyring): void {
  writer.u16(chain.length).each(chain, (to, statement) => to.bytes32(statement));
  writer.bytes32(keyring);
}

/** Both, from the reader; more or longer statements or a larger keyring than allowed is `roster_too_large`. */
export function readChainAndKeyring(reader: ByteReader): ChainAndKeyring {
  let roomBytes = ROSTER_CHAIN_BYTES_MAX;
  const chain = reader.list(limited(reader.u16(), ROSTER_CHAIN_MAX), ROSTER_CHAIN_MAX, STATEMENT_BYTES_MIN, (from) => {
    const statement = from.raw(limited(from.u32(), roomBytes));
    roomBytes -= statement.length;
    return statement;
  });
  return { chain, keyring: reader.raw(limited(reader.u32(), KEYRING_BYTES_MAX)) };
}

function limited(value: number, max: number): number {
  if (value > max) throw new FrameError('roster_too_large', `${value} is above the limit of ${max}`);
  return value;
}
