// How long files and functions may be. Tests are not counted.
import type { Source } from './sources.js';

export const FILE_LINES_MAX = { ts: 500, rs: 800 } as const;
export const FUNCTION_LINES_MAX = 70;

/** Files over the limit by nature. May only shrink: an entry whose file fits again fails the test. */
export const FILE_ALLOW_LIST: readonly string[] = [];
/** Functions over the limit, as `path: first line`. May only shrink. */
export const FUNCTION_ALLOW_LIST: readonly string[] = [];

/** Paths of the files that are too long. */
export function longFiles(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path, text }) => countedLines(text).length > (path.endsWith('.rs') ? FILE_LINES_MAX.rs : FILE_LINES_MAX.ts))
    .map(({ path }) => path);
}

/** Functions that are too long, as `path: first line`. A function ends at the first closing brace in its own column. */
export function longFunctions(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => {
    const lines = countedLines(text);
    return lines.flatMap((line, start) => {
      if (!startsFunction(line) || line.endsWith(';')) return [];
      const indent = /^\s*/.exec(line)?.[0] ?? '';
      const isEnd = (later: string): boolean => later.startsWith(`${indent}}`) || (later.startsWith(`${indent})`) && later.endsWith(';'));
      const length = lines.slice(start + 1).findIndex(isEnd) + 2;
      return length > FUNCTION_LINES_MAX ? [`${path}: ${line.trim()}`] : [];
    });
  });
}

function startsFunction(line: string): boolean {
  return /^\s*(pub(\([^)]*\))? )?(const )?(async )?(unsafe )?(extern "C" )?fn \w/.test(line) || /^\s*(export )?(default )?(async )?function\b/.test(line) || isMethod(line);
}

function isMethod(line: string): boolean {
  return /^ {2,}((public|private|static|override|readonly|async|get|set) )*[#\w]+(<[^>]*>)?\(.*\{$/.test(line) && !/^\s*(if|for|while|switch|catch|return)\b/.test(line);
}

/** Lines before the tests at the end of a Rust file; all lines of a TypeScript file. */
function countedLines(text: string): string[] {
  const lines = text.trimEnd().split('\n');
  const tests = lines.findIndex((line, index) => line === '#[cfg(test)]' && /^mod \w+ \{/.test(lines[index + 1] ?? ''));
  return tests === -1 ? lines : lines.slice(0, tests);
}
