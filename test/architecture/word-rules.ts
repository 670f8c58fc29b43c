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

/** Where the words of one foreign system are at home: its own folder, and the places that name every system once. */
function homeOf(system: string): readonly string[] {
  const places = ['crates/relay-node/src/compat', 'crates/relay-node/src/admin/foreign.rs', 'crates/relay-node/src/stats.rs', 'crates/relay-node/src/config.rs', 'crates/relay-compat/src/lib.rs', 'crates/relay-compat/src/systems.rs', 'crates/relay-compat/tests/', 'test/integration/foreign-tenants'];
  const typescript = ['src/config/table/compat.ts', 'src/config/aliases.ts', 'src/server/core-config.ts', 'src/server/data-plane-routes.ts', 'src/server/telemetry/relay-metrics.ts', 'src/server/open-protocols.ts'];
  return [`src/client/${system}/`, `crates/relay-compat/src/${system}`, `crates/relay-compat/tests/${system}`, 'crates/relay-compat/tests/fuzz_corpus.rs', 'crates/relay-compat/tests/detect.rs', `test/conformance/${system}/`, ...places, ...typescript];
}

export const WORD_RULES: readonly WordRule[] = [
  { pattern: /graceful(?!_shutdown|ly)|version_?vector|entity_?type/i, why: 'words of Graceful Books stay in their folder', allowedIn: homeOf('graceful'), where: 'code' },
  { pattern: /plures|peer-joined/i, why: 'words of PluresDB stay in their folder', allowedIn: homeOf('plures'), where: 'code' },
  { pattern: /\bgun\b|_gun\b|\bgun_|Gun[A-Z]/, why: 'words of GUN stay in their folder', allowedIn: [...homeOf('gun'), 'crates/relay-compat/src/plures/service.rs', 'test/integration/gun'], where: 'code' },
  { pattern: /eidetica/i, why: 'words of Eidetica stay in their folder', allowedIn: [...homeOf('eidetica'), 'src/cli/operator-codes.ts', 'src/client/eidetica/', 'benches/rows/eidetica', 'test/integration/eidetica', 'test/unit/client/eidetica', 'test/peers/eidetica/'], where: 'code' },
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
