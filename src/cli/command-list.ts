// Every command, in the order in which help shows them.
import type { Command } from './command.js';
import { completionCommand } from './commands/completion.js';
import { configCheck } from './commands/config-check.js';
import { configDefault, configDocs, configEnv, configSchemaCommand } from './commands/config-print.js';
import { configShow } from './commands/config-show.js';
import { explainCommand } from './commands/explain.js';
import { healthcheckCommand } from './commands/healthcheck.js';
import { logResetCommand } from './commands/log-reset.js';
import { reloadCommand } from './commands/reload.js';
import { serveCommand } from './commands/serve.js';
import { slaCommand } from './commands/sla.js';
import { statusCommand } from './commands/status.js';
import { verifyBlindCommand } from './commands/verify-blind.js';
import { versionCommand } from './commands/version.js';

export const COMMANDS: readonly Command[] = [
  serveCommand,
  statusCommand,
  slaCommand,
  healthcheckCommand,
  configShow,
  configCheck,
  configDefault,
  configEnv,
  configDocs,
  configSchemaCommand,
  reloadCommand,
  explainCommand,
  verifyBlindCommand,
  logResetCommand,
  completionCommand(() => COMMANDS),
  versionCommand,
];
