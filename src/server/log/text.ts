// Log lines for people: time, level, message, fields.
import { fieldsText, parseLine, type LogLine } from './line.js';

const NAMES: Readonly<Record<number, string>> = { 10: 'TRACE', 20: 'DEBUG', 30: 'INFO', 40: 'WARN', 50: 'ERROR', 60: 'FATAL' };
const COLORS: Readonly<Record<number, string>> = { 40: '\u001B[33m', 50: '\u001B[31m', 60: '\u001B[31m' };
const RESET = '\u001B[0m';

/** The line as text, without control characters that a value could bring; an error's stack follows on lines of its own. */
export function textLine(json: string, colors: boolean): string {
  const line = parseLine(json);
  if (line === null) return json;
  const { err, ...fields } = line.fields;
  const level = NAMES[line.level] ?? String(line.level);
  const shown = colors && COLORS[line.level] !== undefined ? `${COLORS[line.level]}${level}${RESET}` : level;
  const parts = [line.time, shown.padEnd(shown.length + 5 - level.length), oneLine(line.message), fieldsText(fields)];
  return `${parts.filter((part) => part !== '').join(' ')}\n${stackOf({ ...line, fields: { err } })}`;
}

function stackOf({ fields: { err } }: LogLine): string {
  if (typeof err !== 'object' || err === null || !('stack' in err) || typeof err.stack !== 'string') return '';
  return err.stack.split('\n').map((text) => `    ${oneLine(text)}\n`).join('');
}

function oneLine(text: string): string {
  // What a terminal would obey is shown instead.
  return text.replaceAll(/\p{Cc}/gu, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}
