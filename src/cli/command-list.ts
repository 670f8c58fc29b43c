// Every command, in the order in which help shows them.
import type { Command } from './command.js';
import { adminLinkCommand } from './commands/admin-link.js';
import { auditShow, auditVerify } from './commands/audit.js';
import { completionCommand } from './commands/completion.js';
import { configCheck } from './commands/config-check.js';
import { configDefault, configDocs, configEnv, configSchemaCommand } from './commands/config-print.js';
import { configShow } from './commands/config-show.js';
import { demoCommand } from './commands/demo.js';
import { explainCommand } from './commands/explain.js';
import { foreignErase, foreignList } from './commands/foreign.js';
import { healthcheckCommand } from './commands/healthcheck.js';
import { logResetCommand } from './commands/log-reset.js';
import { reloadCommand } from './commands/reload.js';
import { serveCommand } from './commands/serve.js';
import { slaCommand } from './commands/sla.js';
import { spaceExport, spaceImport, spaceVerify } from './commands/space.js';
import { spaceErase, spaceList, spaceShow } from './commands/spaces.js';
import { statusCommand } from './commands/status.js';
import { tokenCreate, tokenList, tokenRevoke } from './commands/token.js';
import { topCommand } from './commands/top.js';
import { verifyBlindCommand } from './commands/verify-blind.js';
import { versionCommand } from './commands/version.js';

export const COMMANDS: readonly Command[] = [
  serveCommand,
  demoCommand,
  statusCommand,
  topCommand,
  slaCommand,
  healthcheckCommand,
  configShow,
  configCheck,
  configDefault,
  configEnv,
  configDocs,
  configSchemaCommand,
  reloadCommand,
  adminLinkCommand,
  tokenCreate,
  tokenList,
  tokenRevoke,
  explainCommand,
  verifyBlindCommand,
  logResetCommand,
  spaceList,
  spaceShow,
  spaceExport,
  spaceImport,
  spaceVerify,
  spaceErase,
  foreignList,
  foreignErase,
  auditShow,
  auditVerify,
  completionCommand(() => COMMANDS),
  versionCommand,
];
