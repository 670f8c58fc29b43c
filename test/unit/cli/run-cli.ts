// Runs a command line in this process and collects what it prints.
import { COMMANDS } from '../../../src/cli/command-list.js';
import type { Command } from '../../../src/cli/command.js';
import type { CliIo } from '../../../src/cli/io.js';
import { runCli } from '../../../src/cli/run.js';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function run(argv: readonly string[], env: CliIo['env'] = {}, commands: readonly Command[] = COMMANDS): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const io: CliIo = { env, isTerminal: false, print: (text) => void out.push(text), printError: (text) => void err.push(text) };
  const code = await runCli(argv, commands, io);
  return { code, out: out.join('\n'), err: err.join('\n') };
}
