// Words and forms that may not appear in code, and where they may. Comments are free to name them.
import { withoutComments, type Source } from './sources.js';

interface WordRule {
  readonly pattern: RegExp;
  readonly why: string;
  /** Folders in which the word is at home. */
  readonly allowedIn: readonly string[];
  /** `code`: outside of comments; `text`: anywhere. */
  readonly where: 'code' | 'text';
}

export const WORD_RULES: readonly WordRule[] = [
  { pattern: /unseal|decrypt/i, why: 'only src/client/crypto opens anything', allowedIn: ['src/client/crypto/'], where: 'code' },
  { pattern: /:\s*any\b|\bas any\b|<any\b|\bany\[\]/, why: 'no any', allowedIn: ['crates/'], where: 'code' },
  { pattern: /@ts-(ignore|nocheck|expect-error)/, why: 'the compiler is not silenced', allowedIn: [], where: 'text' },
  { pattern: /\benum\s+\w+\s*\{/, why: 'unions instead of enums', allowedIn: ['crates/'], where: 'code' },
  { pattern: /\bconsole\./, why: 'output goes through the log or the command line', allowedIn: ['tools/', 'src/cli/banner.ts'], where: 'code' },
  { pattern: /\bprocess\.env\b/, why: 'the environment is read at the entry only', allowedIn: ['src/cli/main.ts', 'tools/'], where: 'code' },
  { pattern: /\bpino\.transport\b|\btransport:\s*\{/, why: 'no log worker threads', allowedIn: ['src/client/'], where: 'code' },
  { pattern: /\b(TODO|FIXME|XXX)\b/, why: 'work is not left in comments', allowedIn: [], where: 'text' },
];

/** Violations, one sentence each. */
export function checkWords(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => {
    const code = withoutComments(text);
    return WORD_RULES.filter(({ allowedIn }) => !allowedIn.some((home) => path.startsWith(home)))
      .filter(({ pattern, where }) => pattern.test(where === 'code' ? code : text))
      .map(({ pattern, why }) => `${path}: ${pattern.source} (${why})`);
  });
}
