// Stops nesting without end before a parser sees it: parsers call themselves for each level, and the stack ends before the file.
import type { Spot } from './node.js';

/** Brackets in brackets, or dashes of lists in lists; options need two. */
export const DEPTH_MAX = 32;

/** Where a text is nested too deeply, or null. Brackets in texts and comments count too: no option has that many of them. */
export function firstTooDeep(text: string): Spot | null {
  let brackets = 0;
  for (const [index, line] of text.split('\n').entries()) {
    let dashes = 0;
    for (const { 0: sign, index: at } of line.matchAll(/[[{]|[\]}]|[-?](?=\s)/g)) {
      if (sign === '[' || sign === '{') brackets += 1;
      else if (sign === ']' || sign === '}') brackets -= 1;
      else dashes += 1;
      if (brackets > DEPTH_MAX || dashes > DEPTH_MAX) return { line: index + 1, column: at + 1 };
    }
  }
  return null;
}
