// A field that nobody named is left out of every sink, so one that code hands to the logger and the list lacks is lost unseen.
import { describe, expect, it } from 'vitest';
import { LOG_FIELDS } from '../../src/server/log/fields.js';
import { typescriptSources, withoutComments, type Source } from './sources.js';

const CALL = /\b(?:logger|log)\.(?:trace|debug|info|warn|error|fatal)\(\s*\{/g;
const NAMED: ReadonlySet<string> = new Set(LOG_FIELDS);
const CALLS_MIN = 10;

/** From the opening brace to the one that closes it. */
function objectAt(text: string, start: number): string {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    if ('{(['.includes(text[at] ?? '')) depth += 1;
    if ('})]'.includes(text[at] ?? '')) depth -= 1;
    if (depth === 0) return text.slice(start + 1, at);
  }
  return text.slice(start + 1);
}

/** Names of an object's own fields; what is spread into it is judged by the compiler (`satisfies LogFields`). */
function fieldsOf(object: string): string[] {
  let depth = 0;
  let flat = '';
  for (const letter of object.replaceAll(/'(?:[^'\\]|\\.)*'|`[^`]*`/g, '""')) {
    if ('})]'.includes(letter)) depth -= 1;
    if (depth === 0) flat += letter;
    if ('{(['.includes(letter)) depth += 1;
  }
  return flat.split(',').flatMap((part) => /^\s*([A-Za-z_]\w*)\s*(?::|$)/.exec(part)?.[1] ?? []);
}

function calls(sources: readonly Source[]): { path: string; fields: string[] }[] {
  return sources.flatMap(({ path, text }) => {
    const code = withoutComments(text);
    return [...code.matchAll(CALL)].map((call) => ({ path, fields: fieldsOf(objectAt(code, call.index + call[0].length - 1)) }));
  });
}

function unnamed(sources: readonly Source[]): string[] {
  return calls(sources).flatMap(({ path, fields }) => fields.filter((field) => !NAMED.has(field)).map((field) => `${path}: ${field}`));
}

describe('fields of log lines', () => {
  it('are all on the list of what may be logged', () => {
    expect(calls(typescriptSources()).length).toBeGreaterThan(CALLS_MIN);
    expect(unnamed(typescriptSources())).toEqual([]);
  });

  it.each([
    ["logger.warn({ code: 'x', spaceId }, 'text');", ['spaceId']],
    ["this.#deps.logger.info({\n  token: read({ a: 1, b }),\n  err: error,\n}, '{ text }');", ['token']],
    ["request.log.error({ err: error, route: options.url ?? 'a, b' } satisfies LogFields, 'text');", []],
    ["// logger.warn({ secret }, '')", []],
  ])('control: %s', (text, fields) => {
    expect(unnamed([{ path: 'a', text }])).toEqual(fields.map((field) => `a: ${field}`));
  });
});
