// The root secret as 24 words (BIP39, with its checksum), to be kept on paper: whoever has them is an admin of the space, for good.
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { AddressError, formatSpaceLink, parseRelayAddress, parseSpaceLink } from '../../protocol/address.js';
import { ClientError } from '../client-error.js';
import { parseWords } from './word-list.js';

/** Words of a root secret of 32 bytes. */
export const RECOVERY_WORDS = 24;

/** The words of a space link, which a device that holds the root has as `space.link`. Throws `bad_link`. */
export function recoveryWordsOf(link: string): string {
  const { rootSecret } = addressed(() => parseSpaceLink(link), 'bad_link');
  return entropyToMnemonic(rootSecret, wordlist);
}

/**
 * The space link of the words and the address of the relay that holds the space. Throws WordError (`unknown_word`, which names the
 * word), `word_count`, `word_checksum` or `bad_address`.
 */
export function linkOfRecoveryWords(words: string, relay: string): string {
  const address = addressed(() => parseRelayAddress(relay), 'bad_address');
  return formatSpaceLink({ address, rootSecret: rootSecretOf(parseWords(words, RECOVERY_WORDS)) });
}

function rootSecretOf(words: readonly string[]): Uint8Array {
  try {
    return mnemonicToEntropy(words.join(' '), wordlist);
  } catch (cause) {
    // Every word is on the list and their number is right, so only the checksum is left to fail.
    const [one, other] = swappedIn(words);
    const hint = one === undefined ? 'Every word is on the list, but one of them is another one than was written down.' : `Words ${one} and ${other} seem to be swapped.`;
    throw new ClientError('word_checksum', 'the words do not belong together', { hint, cause });
  }
}

/** The one pair of neighbours that makes the checksum hold when it is swapped; nothing when there is none, or more than one. */
function swappedIn(words: readonly string[]): readonly number[] {
  const pairs = words.slice(1).flatMap((_, at) => {
    const swapped = [...words.slice(0, at), words[at + 1] ?? '', words[at] ?? '', ...words.slice(at + 2)];
    return words[at] !== words[at + 1] && holds(swapped) ? [[at + 1, at + 2]] : [];
  });
  return pairs.length === 1 ? (pairs[0] ?? []) : [];
}

function holds(words: readonly string[]): boolean {
  try {
    return mnemonicToEntropy(words.join(' '), wordlist).length > 0;
  } catch {
    return false;
  }
}

function addressed<T>(parse: () => T, code: 'bad_address' | 'bad_link'): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new ClientError(code, cause.message, { cause, hint: 'Copy it again, complete, from where it was shown.' });
  }
}
