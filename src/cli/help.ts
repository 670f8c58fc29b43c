// The texts of `relay --help` and of `relay <command> --help`: examples first, common things before rare ones.
import { renderHelp, wrap } from '../config/render.js';
import { COMMAND_GROUPS, switchesOf, type Command, type Example } from './command.js';

const COLUMNS = 80;
const INDENT = 6;
const NAME_COLUMNS = 16;

const WRONG_USAGE = 'wrong usage or wrong configuration';

/** One screen: what there is. */
export function overview(commands: readonly Command[]): string {
  return [
    'Usage: relay [command] [options]; without a command it serves',
    '',
    ...wrap('A blind relay: it orders sealed entries, makes them durable, pushes them live to the other devices of the space, and cannot read them.', COLUMNS),
    '',
    'Commands:',
    ...commandLines(commands),
    '',
    'Examples:',
    ...examplesOf(commands.flatMap(({ examples }) => examples.slice(0, 1)).slice(0, 3)),
    '',
    '`relay <command> --help` shows options and examples of a command.',
    `Exit codes: 0 done, 1 failed, 2 ${WRONG_USAGE}.`,
  ].join('\n');
}

/** One line for each command; one for all that begin with the same word. */
function commandLines(commands: readonly Command[]): string[] {
  const firsts = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? name))];
  return firsts.map((first) => {
    const seconds = commands.flatMap(({ name }) => name.split(' ').slice(1)).filter((second) => commands.some(({ name }) => name === `${first} ${second}`));
    const summary = commands.find(({ name }) => name === first)?.summary ?? `${COMMAND_GROUPS[first] ?? ''}: ${[...new Set(seconds)].join(', ')}`;
    return `  ${first.padEnd(NAME_COLUMNS)}${summary}`;
  });
}

export function helpFor(command: Command): string {
  const { name, operand, about, examples, options, exits } = command;
  const switches = switchesOf(command);
  const usage = ['relay', name, operand, switches.length + options.length > 0 ? '[options]' : null].filter((part) => part !== null);
  return [
    `Usage: ${usage.join(' ')}`,
    '',
    ...about.flatMap((paragraph) => [...wrap(paragraph, COLUMNS), '']),
    'Examples:',
    ...examplesOf(examples),
    '',
    ...(switches.length > 0 ? ['Options:', ...switches.flatMap(switchLines), ''] : []),
    ...(options.length > 0 ? [renderHelp(options), '', ...wrap(FOOTER, COLUMNS), ''] : []),
    ...wrap(`Exit codes: 0 ${exits[0]}, 1 ${exits[1]}, 2 ${WRONG_USAGE}.`, COLUMNS),
  ].join('\n');
}

const FOOTER =
  'An option --a.b-c is also the environment variable RELAY_A_B_C and the key b-c below a in sealrelay.yaml. A flag wins over the environment, ' +
  'the environment over the file.';

function examplesOf(examples: readonly Example[]): string[] {
  return examples.flatMap(({ line, does }) => [`  ${line}`, `${' '.repeat(INDENT)}${does}`]);
}

function switchLines({ name, value, choices, doc }: ReturnType<typeof switchesOf>[number]): string[] {
  const shown = value === null ? '' : ` ${choices?.join('|') ?? value}`;
  return [`  --${name}${shown}`, ...wrap(doc, COLUMNS - INDENT).map((line) => ' '.repeat(INDENT) + line)];
}
