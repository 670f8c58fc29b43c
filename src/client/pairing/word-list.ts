// The English list of BIP39: 2,048 words of which the first four letters tell each from all others. Typed words are read leniently.
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { ClientError } from '../client-error.js';

/** Bits that a word stands for. */
export const WORD_BITS = 11;
/** Letters by which a word is known. */
const PREFIX_LETTERS = 4;
/** Words that are offered in the place of one that is not on the list. */
const SUGGESTIONS_MAX = 3;
/** Longest text that is looked at. */
const TEXT_CHARACTERS_MAX = 1024;

const NUMBERS: ReadonlyMap<string, number> = new Map(wordlist.map((word, number) => [word, number]));
const BY_PREFIX: ReadonlyMap<string, string> = new Map(wordlist.map((word) => [word.slice(0, PREFIX_LETTERS), word]));

/** One of the words is not on the list. It is kept out of the message, which may be logged; show it to who typed it. */
export class WordError extends ClientError {
  /** From 1. */
  readonly position: number;
  /** As it was typed. */
  readonly word: string;
  /** Words that may be meant, the likeliest first. */
  readonly suggestions: readonly string[];

  constructor(position: number, word: string) {
    super('unknown_word', `word ${position} is not on the list`, { hint: `Look at word ${position} again; the others are on the list.` });
    this.name = 'WordError';
    this.position = position;
    this.word = word;
    this.suggestions = suggestionsFor(word);
  }
}

export function wordOf(number: number): string {
  const word = wordlist[number];
  if (word === undefined) throw new RangeError(`${number} is the number of no word`);
  return word;
}

export function numberOf(word: string): number {
  const number = NUMBERS.get(word);
  if (number === undefined) throw new RangeError('not a word of the list');
  return number;
}

/** The words of a typed text, complete; four letters of each are enough. Throws WordError, or ClientError `word_count`. */
export function parseWords(text: string, count: number): readonly string[] {
  const typed = text.slice(0, TEXT_CHARACTERS_MAX).normalize('NFKD').toLowerCase().split(/[^\p{L}]+/u).filter((word) => word !== '');
  const words = typed.map((word, at) => {
    const known = completed(word);
    if (known === undefined) throw new WordError(at + 1, word);
    return known;
  });
  if (words.length !== count) throw new ClientError('word_count', `${words.length} words instead of ${count}`, { hint: `Type all ${count} words.` });
  return words;
}

function completed(word: string): string | undefined {
  if (NUMBERS.has(word)) return word;
  const known = BY_PREFIX.get(word.slice(0, PREFIX_LETTERS));
  return known?.startsWith(word) === true ? known : undefined;
}

function suggestionsFor(word: string): readonly string[] {
  const near = wordlist.map((known) => ({ known, distance: editDistance(word, known) })).filter(({ distance }) => distance <= 2);
  return near.toSorted((a, b) => a.distance - b.distance).slice(0, SUGGESTIONS_MAX).map(({ known }) => known);
}

/** Letters to insert, drop, change or swap with their neighbour. */
function editDistance(from: string, to: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: to.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const changed = (last[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? (before[j - 2] ?? 0) + 1 : changed;
      row.push(Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, changed, swapped));
    }
    [before, last] = [last, row];
  }
  return last[to.length] ?? 0;
}
