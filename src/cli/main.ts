#!/usr/bin/env node
// The program behind the bins `relay` and `sealrelay`.
import { logReset } from './commands/log-reset.js';
import { serve } from './commands/serve.js';
import { verifyBlindCommand } from './commands/verify-blind.js';
import { runCli } from './run.js';

process.exitCode = await runCli(
  process.argv.slice(2),
  { serve, 'log-reset': logReset, 'verify-blind': verifyBlindCommand },
  {
    env: process.env,
    isTerminal: process.stdout.isTTY,
    print: (text) => process.stdout.write(`${text}\n`),
    printError: (text) => process.stderr.write(`${text}\n`),
  },
);
