/*
 * The six words of a pairing, and the link of its QR code. The first three name the mailbox, which the relay may find out; the last
 * three are the secret, of which nobody but the two devices ever learns anything. Six bits of it are a checksum of all the others, so
 * that a slip of the tongue is noticed before it uses up the one guess.
 */
import { AddressError, formatRelayAddress, formatSpaceLink, parseRelayAddress } from '../../protocol/address.js';
import type { RelayAddress } from '../../protocol/address.js';
import { domain, hash } from '../../protocol/hash.js';
import { ClientError } from '../client-error.js';
import { deriveMailboxSecret } from '../crypto/pairing-seal.js';
import type { Random } from '../crypto/platform.js';
import { numberOf, parseWords, wordOf } from './word-list.js';

/** Words of a code. */
export const PAIRING_WORDS = 6;
const MAILBOX_WORDS = 3;
const CHECKSUM_BITS = 6;
const FIELD = '&p=';

/** A code that was read. */
export interface PairingCode {
  /** The six words with a space between them, as they are shown. */
  readonly words: string;
  /** What the mailbox is derived from. */
  readonly mailbox: string;
  /** The short secret of the key exchange. */
  readonly secret: string;
}

/** A fresh code: 33 random bits name the mailbox, 27 are the secret. */
export function freshCode(random: Random): PairingCode {
  const bytes = random(2 * PAIRING_WORDS);
  const numbers = Array.from({ length: PAIRING_WORDS }, (_, at) => ((bytes[2 * at] ?? 0) << 3) | ((bytes[2 * at + 1] ?? 0) & 7));
  const last = numbers[PAIRING_WORDS - 1] ?? 0;
  numbers[PAIRING_WORDS - 1] = (last & ~((1 << CHECKSUM_BITS) - 1)) | checksumOf(numbers);
  return codeOf(numbers.map(wordOf));
}

/** Reads what was typed. Throws WordError (`unknown_word`), `word_count` or `word_checksum`. */
export function parseCode(text: string): PairingCode {
  const words = parseWords(text, PAIRING_WORDS);
  const numbers = words.map(numberOf);
  if (((numbers[PAIRING_WORDS - 1] ?? 0) & ((1 << CHECKSUM_BITS) - 1)) !== checksumOf(numbers)) {
    throw new ClientError('word_checksum', 'the words do not belong together', { hint: 'One of them is another one than is shown, or two are swapped.' });
  }
  return codeOf(words);
}

/** What a QR code holds: the relay and the words. It is no space link: it opens nothing after its one use. */
export function formatPairingLink(address: RelayAddress, code: PairingCode): string {
  return `${formatRelayAddress(address)}${FIELD}${code.words.replaceAll(' ', '-')}`;
}

/** Whether a scanned text is one of a pairing, and not a space link. */
export function isPairingLink(text: string): boolean {
  return text.slice(0, 12).toLowerCase() === 'sealrelay://' && text.includes(FIELD);
}

/** Reads a scanned text. Throws as parseCode does, and `bad_link`. */
export function parsePairingLink(text: string): { readonly relay: string; readonly code: PairingCode } {
  const at = text.lastIndexOf(FIELD);
  if (!isPairingLink(text) || at < 0) throw new ClientError('bad_link', 'not the code of a pairing', { hint: 'Scan the code that the other device shows now.' });
  try {
    return { relay: formatRelayAddress(parseRelayAddress(text.slice(0, at))), code: parseCode(text.slice(at + FIELD.length)) };
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new ClientError('bad_link', cause.message, { cause, hint: 'Scan the code that the other device shows now.' });
  }
}

/** The link of the mailbox, a space that lives as long as the pairing. */
export function mailboxLinkOf(address: RelayAddress, code: PairingCode): string {
  return formatSpaceLink({ address, rootSecret: deriveMailboxSecret(code.mailbox, address.logId) });
}

function codeOf(words: readonly string[]): PairingCode {
  const joined = (some: readonly string[]): string => some.join('-');
  return { words: words.join(' '), mailbox: joined(words.slice(0, MAILBOX_WORDS)), secret: joined(words.slice(MAILBOX_WORDS)) };
}

/** Of everything but the checksum itself. */
function checksumOf(numbers: readonly number[]): number {
  const bare = numbers.map((number, at) => (at === PAIRING_WORDS - 1 ? number >> CHECKSUM_BITS : number));
  const digest = hash(domain('pairing-code'), Uint8Array.from(bare.flatMap((number) => [number >> 8, number & 0xff])));
  return (digest[0] ?? 0) & ((1 << CHECKSUM_BITS) - 1);
}
