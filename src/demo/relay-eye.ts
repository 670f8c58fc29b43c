// What the relay gets of both devices, read from the frames as they reach it, with nothing but what a relay has: the public protocol.
import { decodeClientFrame } from '../protocol/client-frame-codec.js';
import type { ClientFrame } from '../protocol/client-frame.js';
import { toHex } from '../protocol/hex.js';
import { decodeRelayFrame } from '../protocol/relay-frame-codec.js';
import type { RelayFrame } from '../protocol/relay-frame.js';
import { Store } from './store.js';

export interface SeenEntry {
  readonly key: string;
  /** The first characters of the device's public key, which is its name for the relay. */
  readonly device: string;
  readonly pushSeq: number;
  /** Its place in the log; null until the relay said. */
  readonly seq: number | null;
  readonly bytes: number;
  readonly keyEpoch: number;
  /** The first sealed bytes, in hexadecimal. */
  readonly hex: string;
}

export interface Seen {
  /** Newest first. */
  readonly entries: readonly SeenEntry[];
  readonly entryCount: number;
  readonly entryBytes: number;
  /** Frames about who is there; never stored. */
  readonly liveCount: number;
  readonly messageCount: number;
  /** Words of the note that stood in clear in any message, however it was going. */
  readonly wordsFound: readonly string[];
}

const ENTRIES_SHOWN_MAX = 24;
const HEX_BYTES = 48;
/** Shorter words turn up in random bytes. */
const WORD_CHARACTERS_MIN = 5;
const WORDS_MAX = 200;

export class RelayEye {
  readonly seen = new Store<Seen>({ entries: [], entryCount: 0, entryBytes: 0, liveCount: 0, messageCount: 0, wordsFound: [] });
  readonly #words: () => readonly string[];

  /** `words` are what is looked for in every message. */
  constructor(words: () => readonly string[]) {
    this.#words = words;
  }

  /** A message of a device reached the relay. */
  takeFromDevice(device: string, message: Uint8Array): void {
    this.#search(message);
    const frame = decoded(() => decodeClientFrame(message));
    if (frame !== null) this.#sort(device, frame);
  }

  /** A message of the relay, for the device. */
  takeFromRelay(device: string, message: Uint8Array): void {
    this.#search(message);
    const frame = decoded(() => decodeRelayFrame(message));
    if (frame?.type === 'Receipt' && frame.status !== 'forgotten') this.#place(device, frame);
  }

  #sort(device: string, frame: ClientFrame): void {
    const now = this.seen.getSnapshot();
    if (frame.type === 'EphemeralSend') this.seen.patch({ liveCount: now.liveCount + 1 });
    if (frame.type !== 'Push') return;
    const known = new Set(now.entries.map(({ key }) => key));
    const entries = frame.entries
      .map((sealed, at) => ({ key: `${device}/${frame.pushSeqFirst + at}`, device, pushSeq: frame.pushSeqFirst + at, seq: null, bytes: sealed.length, keyEpoch: frame.keyEpoch, hex: hexOf(sealed) }))
      // What was cut off is pushed again.
      .filter(({ key }) => !known.has(key));
    this.seen.patch({
      entries: [...entries.toReversed(), ...now.entries].slice(0, ENTRIES_SHOWN_MAX),
      entryCount: now.entryCount + entries.length,
      entryBytes: now.entryBytes + entries.reduce((sum, { bytes }) => sum + bytes, 0),
    });
  }

  #place(device: string, { pushSeqFirst, count, seqFirst }: { readonly pushSeqFirst: number; readonly count: number; readonly seqFirst: number }): void {
    const entries = this.seen.getSnapshot().entries.map((entry) => {
      const at = entry.pushSeq - pushSeqFirst;
      return entry.device === device && at >= 0 && at < count ? { ...entry, seq: seqFirst + at } : entry;
    });
    this.seen.patch({ entries });
  }

  #search(message: Uint8Array): void {
    const now = this.seen.getSnapshot();
    const found = wordsIn(message, this.#words()).filter((word) => !now.wordsFound.includes(word));
    this.seen.patch({ messageCount: now.messageCount + 1, ...(found.length === 0 ? {} : { wordsFound: [...now.wordsFound, ...found] }) });
  }
}

/** The words of a text that are long enough to be looked for. */
export function wordsOf(text: string): readonly string[] {
  const words = text.match(/\p{L}+/gu) ?? [];
  return [...new Set(words.filter((word) => word.length >= WORD_CHARACTERS_MIN))].slice(0, WORDS_MAX);
}

/** Those of the words that stand in the bytes. */
export function wordsIn(bytes: Uint8Array, words: readonly string[]): readonly string[] {
  const text = latin1(bytes);
  return words.filter((word) => text.includes(latin1(new TextEncoder().encode(word))));
}

/** A character for each byte, so that bytes can be searched as a text. */
function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function hexOf(sealed: Uint8Array): string {
  // The header in front is the same in many entries; the middle is what was sealed.
  const from = Math.max(0, (sealed.length - HEX_BYTES) >> 1);
  return (toHex(sealed.subarray(from, from + HEX_BYTES)).match(/../g) ?? []).join(' ');
}

function decoded<T extends ClientFrame | RelayFrame>(decode: () => T): T | null {
  try {
    return decode();
  } catch {
    return null;
  }
}
