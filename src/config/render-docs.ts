// Renders the option table for people who read: docs/reference/configuration.md and `.env.example`.
import { ALIASES, UNSUPPORTED } from './aliases.js';
import { CONFIG_FOLDERS, CONFIG_NAMES } from './file/find.js';
import { OPTIONS, envOf, flagOf, type OptionKey, type OptionSpec } from './options.js';
import { groups, wrap } from './render.js';
import { formatValue } from './values.js';

const COMMENT_COLUMNS = 100;

/** The text of docs/reference/configuration.md. */
export function renderDocs(): string {
  const sections = groups().map(([title, keys]) => `## ${title}\n\n${keys.map(docOf).join('\n')}`);
  return `${DOCS_HEAD}\n${sections.join('\n')}\n${aliasesDoc()}`;
}

const DOCS_HEAD = `# Configuration

Written by \`npm run docs:config\` from \`src/config/options.ts\`; do not edit. How to work with it: [the guide](../guides/configuration.md).

An option is set by its flag, else by its environment variable, else by the configuration file, else it has its default;
\`relay config show --origin\` says which. Durations are written \`500ms\`, \`30s\`, \`5m\`, \`12h\`, \`30d\`; sizes \`512KiB\`,
\`10MiB\`, \`1GiB\`.

The file is the one named by \`--config\` or \`RELAY_CONFIG\` (\`off\`: none). Without a name it is ${list(CONFIG_NAMES.map((name) => `\`${name}\``))}
in ${list(CONFIG_FOLDERS.map((folder) => (folder === '.' ? 'the working directory' : `\`${folder}\``)))}, the first folder that has one. A key \`a.b-c\` is \`b-c\` below \`a\`, or
written with the dot; \`_\` says the same as \`-\`. Editors check it with [sealrelay.schema.json](sealrelay.schema.json).

Each variable has a second form, \`RELAY_…_FILE\`, that names a file with the value in it, for secrets and mounted volumes.
An unknown flag, or an unknown key of the file, stops the start with a suggestion; an unknown environment variable that
starts with \`RELAY_\` is ignored with a warning, because others write there too: Kubernetes describes a service named
\`relay\` as \`RELAY_PORT=tcp://…\`.
`;

function docOf(key: OptionKey): string {
  const spec: OptionSpec = OPTIONS[key];
  const variables = [envOf(key), ...ALIASES.filter((alias) => alias.key === key).map(({ name }) => name)].map((name) => `\`${name}\``);
  const flag = spec.secret ? 'no flag' : `flag \`${flagOf(key)}\``;
  const preset = spec.type === 'regions' ? spec.default.map(({ id }) => `\`${id}\``).join(', ') : `\`${formatValue(spec, spec.default)}\``;
  const lines = [`### ${key}`, '', spec.doc, '', `- ${flag}, environment ${variables.join(' or ')}`, `- ${describeType(spec)}, default ${preset}`];
  if (spec.reloadable) lines.push('- can change without a restart');
  if (spec.secret) lines.push('- secret: never printed or logged');
  return `${lines.join('\n')}\n`;
}

function describeType(spec: OptionSpec): string {
  if (spec.type === 'choice') return `one of ${spec.choices.map((choice) => `\`${choice}\``).join(', ')}`;
  if (spec.type === 'boolean') return '`true` or `false`; the flag alone is `true`';
  if (spec.type === 'regions') return 'a list in a file, the same list as JSON text elsewhere';
  if ('min' in spec) return `${spec.type} from \`${formatValue(spec, spec.min)}\` to \`${formatValue(spec, spec.max)}\``;
  return spec.type.endsWith('-or-off') ? `${spec.type.replace('-or-off', '')} or \`off\`` : spec.type;
}

function aliasesDoc(): string {
  const units = ALIASES.filter(({ unit }) => unit !== null).map(({ name, key, unit }) => `| \`${name}\` | \`${key}\` | ${unit} |`);
  const idle = UNSUPPORTED.map(({ name, why, instead }) => `| \`${name}\` | ${why} | ${instead} |`);
  return [
    '## Variables of other relays',
    '',
    'These are understood too, after the `RELAY_` one. With a unit of their own:',
    '',
    '| variable | option | its value |',
    '|---|---|---|',
    ...units,
    '',
    'These have no effect yet; the start and `relay config check` say so:',
    '',
    '| variable | because | instead |',
    '|---|---|---|',
    ...idle,
    '',
  ].join('\n');
}

/** The text of `.env.example`: every variable with its default, commented out. */
export function renderEnvExample(): string {
  const sections = groups().map(([title, keys]) => [`# --- ${title}`, '', ...keys.flatMap(envLines)].join('\n'));
  return `${ENV_HEAD}\n${sections.join('\n')}`;
}

const ENV_HEAD = `# Every environment variable of sealrelay with its default. Written by \`npm run docs:config\`; \`relay config env\` prints it too.
# Take the # away where you want another value. RELAY_X_FILE names a file that holds the value of RELAY_X.

# Configuration file to read; off: none.
# RELAY_CONFIG=sealrelay.yaml
`;

function envLines(key: OptionKey): string[] {
  const spec: OptionSpec = OPTIONS[key];
  return [...comment(spec.doc), `# ${envOf(key)}=${spec.secret ? '' : formatValue(spec, spec.default)}`, ''];
}

/** A sentence as comment lines, each starting with `# `. */
export function comment(text: string): string[] {
  return wrap(text, COMMENT_COLUMNS).map((line) => `# ${line}`);
}

function list(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`;
}
