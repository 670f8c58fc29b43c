// Renders the option table for a terminal: the option part of `--help`.
import { OPTIONS, OPTION_KEYS, envOf, flagOf, type OptionKey, type OptionSpec } from './options.js';
import { formatValue } from './values.js';

const HELP_COLUMNS = 80;
const HELP_INDENT = 6;

export const GROUPS = {
  listening: 'Listening',
  admin: 'Admin',
  tls: 'TLS',
  admission: 'Who is let in',
  storage: 'Storage',
  limits: 'Limits',
  time: 'Time',
  process: 'Process',
  observability: 'Observability',
  place: 'Place',
  compat: 'Foreign protocols',
} as const satisfies Record<OptionSpec['group'], string>;

const PLACEHOLDERS = {
  text: '<text>',
  'text-or-off': '<text|off>',
  path: '<path>',
  'path-or-off': '<path|off>',
  choice: '<word>',
  boolean: '',
  regions: '<list>',
  port: '<port>',
  'port-or-off': '<port|off>',
  integer: '<number>',
  duration: '<duration>',
  size: '<size>',
  percentage: '<percentage>',
} as const satisfies Record<OptionSpec['type'], string>;

/** The part of a help text about these options, at most 80 columns wide. */
export function renderHelp(keys: readonly OptionKey[] = OPTION_KEYS): string {
  return groups(keys)
    .map(([title, keys]) => `${title}:\n${keys.map(helpOf).join('\n')}`)
    .join('\n\n');
}

function helpOf(key: OptionKey): string {
  const spec: OptionSpec = OPTIONS[key];
  const text = wrap(spec.doc, HELP_COLUMNS - HELP_INDENT).map((line) => ' '.repeat(HELP_INDENT) + line);
  if (spec.secret) return [`  ${envOf(key)}  (secret: no flag)`, ...text].join('\n');
  const name = `  ${`${flagOf(key)} ${PLACEHOLDERS[spec.type]}`.trimEnd()}`;
  const preset = `(default ${spec.type === 'regions' ? `${spec.default.length} regions` : formatValue(spec, spec.default)})`;
  const head = name.length + preset.length + 2 <= HELP_COLUMNS ? [`${name}  ${preset}`] : [name, `${' '.repeat(HELP_INDENT)}${preset}`];
  return [...head, ...text].join('\n');
}

/** Breaks a text at spaces into lines of at most `columns` characters; a longer word gets a line of its own. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Titles with the options under them; a group without any is left out. */
export function groups(keys: readonly OptionKey[] = OPTION_KEYS): [string, OptionKey[]][] {
  return Object.entries(GROUPS)
    .map(([group, title]): [string, OptionKey[]] => [title, keys.filter((key) => OPTIONS[key].group === group)])
    .filter(([, inGroup]) => inGroup.length > 0);
}
