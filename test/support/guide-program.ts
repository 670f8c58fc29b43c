// The code of a guide as one program, so that later blocks use the names of earlier ones.

/** Where a guide's imports of the package lead: the sources, for Node. */
const SOURCES: Readonly<Record<string, string>> = {
  'sealrelay/client': 'client/node.js',
  'sealrelay/client/pairing': 'client/pairing/node.js',
  'sealrelay/testing': 'testing/index.js',
  'sealrelay/testing/vitest': 'testing/vitest.js',
};

export interface GuideProgram {
  readonly blocks: number;
  readonly text: string;
}

/** Blocks with that fence, in a function `guide(relayAddress)` that returns what they wrote into `steps`. */
export function programOf(markdown: string, fence = 'ts'): GuideProgram {
  const blocks = blocksOf(markdown, fence);
  const lines = toSources(blocks.join('\n')).split('\n');
  const isImport = (line: string): boolean => line.startsWith('import ');
  const body = lines.filter((line) => !isImport(line));
  return {
    blocks: blocks.length,
    text: [...lines.filter(isImport), 'export async function guide(relayAddress: string): Promise<string[]> {', 'const steps: string[] = [relayAddress];', ...body, 'return steps;', '}', ''].join('\n'),
  };
}

export function blocksOf(markdown: string, fence: string): readonly string[] {
  return [...markdown.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].flatMap(([, named, code = '']) => (named === fence ? [code] : []));
}

/** The code with imports of the package replaced, for a file two folders below the root. */
export function toSources(code: string): string {
  return code.replaceAll(/'(sealrelay\/[\w/]+)'/g, (whole, name: string) => (SOURCES[name] === undefined ? whole : `'../../src/${SOURCES[name]}'`));
}
