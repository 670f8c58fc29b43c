// The code of a guide as one program, so that later blocks use the names of earlier ones.
import { readFileSync } from 'node:fs';

/** The entries of the package, each with its file for Node. */
type Entry = string | { readonly node?: { readonly default: string }; readonly default: string };
const { exports: ENTRIES }: { readonly exports: Readonly<Record<string, Entry>> } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** What a guide leaves to its reader. */
export interface GuideFrame {
  /** Names that the function around the code is given, each a text. */
  readonly given: readonly string[];
  /** Lines before the code. */
  readonly before?: readonly string[];
  /** Lines behind it. */
  readonly after?: readonly string[];
  /** The texts that the code has gathered. */
  readonly result: string;
}

export interface GuideProgram {
  readonly blocks: number;
  readonly text: string;
}

/** The blocks of TypeScript, in one function `guide`. */
export function programOf(markdown: string, { given, before = [], after = [], result }: GuideFrame): GuideProgram {
  const blocks = blocksOf(markdown, 'ts');
  const lines = toSources(blocks.join('\n')).split('\n');
  const isImport = (line: string): boolean => line.startsWith('import ');
  const head = `export async function guide(${given.map((name) => `${name}: string`).join(', ')}): Promise<readonly string[]> {`;
  const body = [`void [${given.join(', ')}];`, ...before, ...lines.filter((line) => !isImport(line)), ...after];
  return { blocks: blocks.length, text: [...lines.filter(isImport), head, ...body, `return ${result};`, '}', ''].join('\n') };
}

export function blocksOf(markdown: string, fence: string): readonly string[] {
  return [...markdown.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].flatMap(([, named, code = '']) => (named === fence ? [code] : []));
}

/** The code with imports of the package replaced, for a file two folders below the root. */
export function toSources(code: string): string {
  return code.replaceAll(/'sealrelay((?:\/[\w-]+)*)'/g, (_, path: string) => `'../../${sourceOf(ENTRIES[`.${path}`])}'`);
}

function sourceOf(entry: Entry | undefined): string {
  if (entry === undefined) throw new Error('no entry of the package');
  const file = typeof entry === 'string' ? entry : (entry.node?.default ?? entry.default);
  return file.replace('./dist/', 'src/');
}
