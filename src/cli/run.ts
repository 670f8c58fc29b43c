// Picks the command and turns an error into one line with its fix and an exit code.
import { nearest } from '../config/suggest.js';
import { RelayError } from '../errors.js';
import { VERSION } from '../version.js';
import { helpText } from './help.js';
import type { CliIo } from './io.js';

export type Command = (args: readonly string[], io: CliIo) => Promise<number>;
export type Commands = Readonly<Record<string, Command>>;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const DEFAULT_COMMAND = 'serve';

/** Runs one command line; resolves with the exit code and never rejects. */
export async function runCli(argv: readonly string[], commands: Commands, io: CliIo): Promise<number> {
  try {
    if (argv.some((arg) => arg === '--help' || arg === '-h') || argv[0] === 'help') {
      io.print(helpText());
      return 0;
    }
    if (argv.some((arg) => arg === '--version' || arg === '-V') || argv[0] === 'version') {
      io.print(VERSION);
      return 0;
    }
    const named = argv[0] !== undefined && !argv[0].startsWith('-');
    const command = findCommand(named ? (argv[0] ?? '') : DEFAULT_COMMAND, commands);
    return await command(named ? argv.slice(1) : argv, io);
  } catch (error) {
    io.printError(describe(error));
    return error instanceof RelayError && error.code === 'config_invalid' ? EXIT_USAGE : EXIT_FAILED;
  }
}

function findCommand(name: string, commands: Commands): Command {
  const command = Object.entries(commands).find(([known]) => known === name)?.[1];
  if (command !== undefined) return command;
  const near = nearest(name, Object.keys(commands));
  throw new RelayError('config_invalid', `unknown command "${name}"`, {
    hint: near === null ? 'Run `relay --help`.' : `Did you mean \`relay ${near}\`?`,
  });
}

function describe(error: unknown): string {
  if (!(error instanceof RelayError)) return `relay: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  const cause = error.code === 'addon_missing' && error.cause instanceof Error ? ` (${error.cause.message.split('\n')[0]})` : '';
  return `relay: ${error.message}${cause}.${error.hint === null ? '' : ` ${error.hint}`}`;
}
