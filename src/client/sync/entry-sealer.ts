// How entries are sealed and opened. It is an interface only so that tests can measure what a relay would see without it.
import { openEntry, sealEntry } from '../crypto/seal.js';
import type { OpenEntryInput, OpenedEntry, SealEntryInput } from '../crypto/seal.js';

export interface EntrySealer {
  seal(input: SealEntryInput): Promise<Uint8Array>;
  open(input: OpenEntryInput): Promise<OpenedEntry>;
}

/** The one that is used. */
export const ENTRY_SEALER: EntrySealer = { seal: sealEntry, open: openEntry };
