// Renders the option table: the option part of `--help`, and docs/reference/configuration.md.
import { OPTIONS, OPTION_KEYS, envOf, flagOf, type OptionKey, type OptionSpec } from './options.js';
import { formatValue } from './values.js';

const HELP_COLUMNS = 80;
const HELP_INDENT = 6;

const GROUPS = {
  listening: 'Listening',
  storage: 'Storage',
  limits: 'Limits',
  time: 'Time',
  process: 'Process',
} as const satisfies Record<OptionSpec['group'], string>;

const PLACEHOLDERS = {
  text: '<text>',
  path: '<path>',
  choice: '<word>',
  port: '<port>',
  'port-or-off': '<port|off>',
  integer: '<number>',
  duration: '<duration>',
  size: '<size>',
} as const satisfies Record<OptionSpec['type'], string>;

/** The option part of the help text, at most 80 columns wide. */
export function renderHelp(): string {
  return groups()
    .map(([title, keys]) => `${title}:\n${keys.map(helpOf).join('\n')}`)
    .join('\n\n');
}

function helpOf(key: OptionKey): string {
  const spec: OptionSpec = OPTIONS[key];
  const head = `  ${flagOf(key)} ${PLACEHOLDERS[spec.type]}  (default ${formatValue(spec, spec.default)})`;
  return [head, ...wrap(spec.doc, HELP_COLUMNS - HELP_INDENT).map((line) => ' '.repeat(HELP_INDENT) + line)].join('\n');
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

/** The text of docs/reference/configuration.md. */
export function renderDocs(): string {
  const sections = groups().map(([title, keys]) => `## ${title}\n\n${keys.map(docOf).join('\n')}`);
  return `${DOCS_HEAD}\n${sections.join('\n')}`;
}

const DOCS_HEAD = `# Configuration

Written by \`npm run docs:config\` from \`src/config/options.ts\`; do not edit.

An option is set by its flag, else by its environment variable, else it has its default. Durations are written \`500ms\`,
\`30s\`, \`5m\`, \`12h\`, \`30d\`; sizes \`512KiB\`, \`10MiB\`, \`1GiB\`. An unknown flag stops the start with a
suggestion; an unknown environment variable that starts with \`RELAY_\` is ignored with a warning, because others write there
too: Kubernetes describes a service named \`relay\` as \`RELAY_PORT=tcp://…\`.
`;

function docOf(key: OptionKey): string {
  const spec: OptionSpec = OPTIONS[key];
  const variables = [envOf(key), ...(spec.envAlias === undefined ? [] : [spec.envAlias])].map((name) => `\`${name}\``);
  const lines = [
    `### ${key}`,
    '',
    spec.doc,
    '',
    `- flag \`${flagOf(key)}\`, environment ${variables.join(' or ')}`,
    `- ${describeType(spec)}, default \`${formatValue(spec, spec.default)}\``,
  ];
  if (spec.reloadable) lines.push('- can change without a restart');
  if (spec.secret) lines.push('- secret: never printed or logged');
  return `${lines.join('\n')}\n`;
}

function describeType(spec: OptionSpec): string {
  if (spec.type === 'choice') return `one of ${spec.choices.map((choice) => `\`${choice}\``).join(', ')}`;
  if ('min' in spec) return `${spec.type} from \`${formatValue(spec, spec.min)}\` to \`${formatValue(spec, spec.max)}\``;
  return spec.type === 'port-or-off' ? 'port or `off`' : spec.type;
}

function groups(): [string, OptionKey[]][] {
  return Object.entries(GROUPS).map(([group, title]) => [title, OPTION_KEYS.filter((key) => OPTIONS[key].group === group)]);
}
