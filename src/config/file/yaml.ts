// YAML 1.2, with places. JSON is read by the same parser and then held to its own stricter grammar.
import { LineCounter, isMap, isScalar, isSeq, parseDocument, visit, type Document, type Pair } from 'yaml';
import type { FileItem, FileNode, ParsedFile, Spot, SyntaxProblem } from './node.js';

const HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'Indent with spaces.',
  BAD_INDENT: 'Give all keys of one level the same indentation.',
  DUPLICATE_KEY: 'Leave one of them out.',
  MULTIPLE_DOCS: 'Keep one document per file.',
};
const HINT = 'Compare it with the output of `relay config default`.';

export function parseYaml(text: string): ParsedFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const spotAt = (offset: number): Spot => ({ line: lines.linePos(offset).line, column: lines.linePos(offset).col });
  const problems = [...document.errors, ...document.warnings].map(
    ({ code, message, pos }): SyntaxProblem => ({ spot: spotAt(pos[0]), message: message.replace(/\.$/, ''), hint: HINTS[code] ?? HINT }),
  );
  // An alias may hold itself, and a few lines of them a great many values; no option needs one.
  visit(document, {
    Alias: (_key, { range }) => void problems.push({ spot: spotAt(range?.[0] ?? 0), message: 'aliases are not taken', hint: 'Write the value out.' }),
  });
  if (problems.length > 0) return { items: [], problems };
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return { items: [], problems: [] };
  if (!isMap(root)) return { items: [], problems: [{ spot: spotAt(root.range?.[0] ?? 0), message: 'the file holds no keys', hint: HINT }] };
  return { items: root.items.map((pair) => itemOf(pair, document, spotAt)), problems: [] };
}

export function parseJson(text: string): ParsedFile {
  const parsed = parseYaml(text);
  if (parsed.problems.length > 0) return parsed;
  try {
    JSON.parse(text);
    return parsed;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const offset = Number(/at position (\d+)/.exec(message)?.[1] ?? text.length);
    const before = text.slice(0, offset).split('\n');
    const spot = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    return { items: [], problems: [{ spot, message: 'this is not JSON', hint: 'Quote keys and texts, leave out comments and last commas, or name the file .yaml.' }] };
  }
}

function itemOf(pair: Pair, document: Document, spotAt: (offset: number) => Spot): FileItem {
  const key = isScalar(pair.key) ? String(pair.key.value) : '';
  const keyAt = isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
  const { value } = pair;
  const valueAt = isMap(value) || isSeq(value) || isScalar(value) ? (value.range?.[0] ?? keyAt) : keyAt;
  return { key, keySpot: spotAt(keyAt), node: nodeOf(value, document, spotAt), valueSpot: spotAt(valueAt) };
}

function nodeOf(value: unknown, document: Document, spotAt: (offset: number) => Spot): FileNode {
  if (isMap(value)) return { kind: 'map', items: value.items.map((pair) => itemOf(pair, document, spotAt)) };
  if (isSeq(value)) return { kind: 'list', value: value.toJS(document) };
  return { kind: 'scalar', text: isScalar(value) && value.value !== null ? String(value.value) : '' };
}
