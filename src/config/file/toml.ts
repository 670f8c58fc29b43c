// TOML 1.0, with places.
import { ParseError, getStaticTOMLValue, parseTOML, type AST } from 'toml-eslint-parser';
import type { FileItem, FileNode, ParsedFile, Spot } from './node.js';

export function parseToml(text: string): ParsedFile {
  try {
    const program = parseTOML(text, { tomlVersion: '1.0' });
    return { items: program.body[0].body.flatMap(itemsOf), problems: [] };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const spot = { line: error.lineNumber, column: error.column + 1 };
    return { items: [], problems: [{ spot, message: error.message, hint: 'Compare it with the output of `relay config default --format toml`.' }] };
  }
}

function itemsOf(node: AST.TOMLKeyValue | AST.TOMLTable): FileItem[] {
  if (node.type === 'TOMLKeyValue') return [keyValue(node)];
  const key = nameOf(node.key);
  const spots = { keySpot: spotOf(node.key), valueSpot: spotOf(node) };
  if (node.kind === 'standard') return [{ key, node: { kind: 'map', items: node.body.map(keyValue) }, ...spots }];
  // `[[regions]]`: each table is one item of the list; the first stands for all of them.
  if (node.resolvedKey.at(-1) !== 0) return [];
  const list = node.parent.body.flatMap((other) => (other.type === 'TOMLTable' && other.kind === 'array' && nameOf(other.key) === key ? [tableValue(other)] : []));
  return [{ key, node: { kind: 'list', value: list }, ...spots }];
}

function tableValue(table: AST.TOMLTable): unknown {
  return Object.fromEntries(table.body.map((pair) => [nameOf(pair.key), getStaticTOMLValue(pair.value)]));
}

function keyValue(pair: AST.TOMLKeyValue): FileItem {
  return { key: nameOf(pair.key), keySpot: spotOf(pair.key), node: nodeOf(pair.value), valueSpot: spotOf(pair.value) };
}

function nodeOf(value: AST.TOMLContentNode): FileNode {
  if (value.type === 'TOMLInlineTable') return { kind: 'map', items: value.body.map(keyValue) };
  if (value.type === 'TOMLArray') return { kind: 'list', value: value.elements.map((element) => getStaticTOMLValue(element)) };
  return { kind: 'scalar', text: value.kind === 'string' ? value.value : String(getStaticTOMLValue(value)) };
}

function nameOf(key: AST.TOMLKey): string {
  return key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value)).join('.');
}

function spotOf(node: AST.TOMLNode): Spot {
  return { line: node.loc.start.line, column: node.loc.start.column + 1 };
}
