#!/usr/bin/env node
// The program behind the bins `relay` and `sealrelay`.
import { COMMANDS } from './command-list.js';
import { EXIT_FAILED } from './command.js';
import { runCli } from './run.js';

// What is written is for this user alone, whatever the shell says: the data directory, exported spaces, a log. Foreign protocols keep clear text.
process.umask(0o077);

// An answer that nobody can take (a full disk, a reader that left) is a failure of the command; a relay that serves goes on without its banner.
let isCutOff = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (!isCutOff && error.code !== 'EPIPE') process.stderr.write(`relay: the output cannot be written: ${error.message}.\n`);
  isCutOff = true;
  process.exitCode = EXIT_FAILED;
});
// Where stderr is gone too there is nobody to tell.
process.stderr.on('error', () => undefined);

const exitCode = await runCli(process.argv.slice(2), COMMANDS, {
  env: process.env,
  isTerminal: process.stdout.isTTY,
  print: (text) => process.stdout.write(`${text}\n`),
  printError: (text) => process.stderr.write(`${text}\n`),
});
process.exitCode = isCutOff ? EXIT_FAILED : exitCode;
