// Picks the command, reads its flags, and turns an error into one line with its fix and an exit code.
import { readFlags } from '../config/flags.js';
import { nearest } from '../config/suggest.js';
import { isDomain, isFileName } from '../config/tls.js';
import { RelayError } from '../errors.js';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, acceptedBy, type Command } from './command.js';
import { helpFor, overview } from './help.js';
import type { CliIo } from './io.js';

const DEFAULT_COMMAND = 'serve';
/** Errors that say that the person at the keyboard, or the file, was wrong. */
const USAGE_CODES: readonly string[] = ['config_invalid', 'bind_not_loopback'];

/** Runs one command line; resolves with the exit code and never rejects. */
export async function runCli(argv: readonly string[], commands: readonly Command[], io: CliIo): Promise<number> {
  try {
    const wantsHelp = argv[0] === 'help' || argv.some((arg) => arg === '--help' || arg === '-h');
    const words = argv[0] === '--version' || argv[0] === '-V' ? ['version', ...argv.slice(1)] : argv.filter((arg, index) => !(index === 0 && arg === 'help'));
    if (wantsHelp) return help(words, commands, io);
    const { command, rest } = pick(words, commands);
    return await command.run(readFlags(rest, acceptedBy(command)), io);
  } catch (error) {
    io.printError(argv.includes('--json') ? describeForPrograms(error) : describe(error));
    return error instanceof RelayError && USAGE_CODES.includes(error.code) ? EXIT_USAGE : EXIT_FAILED;
  }
}

interface Picked {
  readonly command: Command;
  /** What follows the words of its name. */
  readonly rest: readonly string[];
}

function pick(argv: readonly string[], commands: readonly Command[]): Picked {
  const isNamed = argv[0] !== undefined && !argv[0].startsWith('-');
  const words = isNamed ? argv : [DEFAULT_COMMAND, ...argv];
  const command = commands.find(({ name }) => startsWith(words, name.split(' ')));
  if (command === undefined) throw unknown(words, commands);
  return { command, rest: words.slice(command.name.split(' ').length) };
}

function help(argv: readonly string[], commands: readonly Command[], io: CliIo): number {
  const words = argv.filter((arg) => !arg.startsWith('-'));
  const group = commands.filter(({ name }) => name.startsWith(`${words[0] ?? ''} `));
  if (words.length === 0) io.print(overview(commands));
  else if (words.length === 1 && group.length > 0) io.print(group.map(helpFor).join('\n\n---\n\n'));
  else io.print(helpFor(pick(words, commands).command));
  return EXIT_OK;
}

function startsWith(words: readonly string[], name: readonly string[]): boolean {
  return name.every((word, index) => words[index] === word);
}

function unknown(words: readonly string[], commands: readonly Command[]): RelayError {
  const [first = ''] = words;
  const group = commands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  const given = group.length > 0 ? words.slice(0, 2).join(' ') : first;
  if (group.length > 0 && (words[1] === undefined || words[1].startsWith('-'))) {
    return new RelayError('config_invalid', `\`relay ${first}\` needs a command`, { hint: `Give one of ${group.map((name) => `\`relay ${name}\``).join(', ')}.` });
  }
  const names = group.length > 0 ? group : [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? name))];
  const near = nearest(given, names);
  const isName = near === null && group.length === 0 && isDomain(first);
  const isFile = near === null && group.length === 0 && isFileName(first);
  return new RelayError('config_invalid', `unknown command "${given}"`, {
    hint: isFile ? `Did you mean \`relay serve --config ${first}\`?` : isName ? `Did you mean \`relay serve ${first}\`?` : near === null ? 'Run `relay --help`.' : `Did you mean \`relay ${near}\`?`,
  });
}

/** What `--json` asked for instead of words; on the same stream, so that the output is an answer or nothing. */
function describeForPrograms(error: unknown): string {
  if (!(error instanceof RelayError)) return JSON.stringify({ error: { code: 'internal', message: error instanceof Error ? error.message : String(error), hint: null, temporary: false } });
  const { code, message, hint, temporary } = error;
  return JSON.stringify({ error: { code, message, hint, temporary } });
}

function describe(error: unknown): string {
  if (!(error instanceof RelayError)) return `relay: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  const cause = error.code === 'addon_missing' && error.cause instanceof Error ? ` (${error.cause.message.split('\n')[0]})` : '';
  return `relay: ${error.message}${cause}.${error.hint === null ? '' : ` ${error.hint}`}`;
}
