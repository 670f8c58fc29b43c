#!/usr/bin/env node
// The program behind the bins `relay` and `sealrelay`.
import { COMMANDS } from './command-list.js';
import { runCli } from './run.js';

process.exitCode = await runCli(process.argv.slice(2), COMMANDS, {
  env: process.env,
  isTerminal: process.stdout.isTTY,
  print: (text) => process.stdout.write(`${text}\n`),
  printError: (text) => process.stderr.write(`${text}\n`),
});
