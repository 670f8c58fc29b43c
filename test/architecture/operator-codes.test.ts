// Every code that an operator can meet is explained: those that the sources hand to the log, the admin API and the command line.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OPERATOR_CODES } from '../../src/cli/operator-codes.js';
import { renderTroubleshooting } from '../../src/cli/troubleshooting.js';
import { ERRORS } from '../../src/protocol/errors.js';
import { ROOT, readSources, withoutComments, type Source } from './sources.js';

const PATTERNS = [
  /new RelayError\(\s*'([a-z_]+)'/g,
  /sendProblem\([^'\n]*\d{3}, '([a-z_]+)'/g,
  /\bcode: '([a-z_]+)'/g,
  /Failure::(?:new|with_way_out)\(\s*"([a-z_]+)"/g,
  /events\.push\(\s*"[a-z]+",\s*"([a-z_]+)"/g,
  /\bcode: "([a-z_]+)"/g,
  /Problem::new\(\s*StatusCode::[A-Z_]+,\s*"([a-z_]+)"/g,
];

/** `path: code` of what a source says and no table explains. */
function unexplained(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => {
    const [code] = withoutComments(text).split('#[cfg(test)]');
    const found = PATTERNS.flatMap((pattern) => [...(code ?? '').matchAll(pattern)].map(([, name = '']) => name));
    return [...new Set(found)].filter((name) => OPERATOR_CODES[name] === undefined && !Object.hasOwn(ERRORS, name)).map((name) => `${path}: ${name}`);
  });
}

describe('codes that operators meet', () => {
  it('are all explained', () => {
    const sources = [...readSources(['src/server', 'src/config', 'src/cli', 'src/native', 'src/verify', 'src/fastify'], ['.ts']), ...readSources(['crates/relay-node/src', 'crates/relay-net/src'], ['.rs'])];
    expect(unexplained(sources)).toEqual([]);
  });

  it('control: a code without a row is found, wherever it stands', () => {
    const texts = ["new RelayError('made_up', '')", "sendProblem(reply, 404, 'made_up', '')", "logger.warn({ code: 'made_up' }, '')", 'Failure::new("made_up", "")', 'events.push("warn", "made_up", message)', 'Watched { code: "made_up" }', 'Problem::new(StatusCode::NOT_FOUND, "made_up", "")'];
    for (const text of texts) expect({ text, found: unexplained([{ path: 'a', text }]) }).toEqual({ text, found: ['a: made_up'] });
    expect(unexplained([{ path: 'a', text: "new RelayError('port_in_use', '')" }])).toEqual([]);
  });

  it('stand in one table only', () => {
    expect(Object.keys(OPERATOR_CODES).filter((name) => Object.hasOwn(ERRORS, name))).toEqual([]);
  });

  it('are on the page of troubles (`npm run docs:cli`)', () => {
    expect(readFileSync(join(ROOT, 'docs/operations/troubleshooting.md'), 'utf8')).toBe(renderTroubleshooting());
  });
});
