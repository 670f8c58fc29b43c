// `npm run docs:cli`: writes the reference of the commands, the page of troubles and the table of the audit log, from the compiled tables.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, runTool } from './lib/project.mjs';
import { ensureInstalled, ensureTypeScript } from './lib/steps.mjs';

await runTool(async () => {
  ensureInstalled();
  ensureTypeScript();
  const compiled = (/** @type {string} */ name) => import(pathToFileURL(join(ROOT, 'dist', 'cli', name)).href);
  const { renderReference } = await compiled('reference.js');
  const { COMMANDS } = await compiled('command-list.js');
  const folder = join(ROOT, 'docs', 'reference');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'cli.md'), renderReference(COMMANDS));
  const { renderTroubleshooting } = await compiled('troubleshooting.js');
  const operations = join(ROOT, 'docs', 'operations');
  writeFileSync(join(operations, 'troubleshooting.md'), renderTroubleshooting());
  const { withAuditActions } = await import(pathToFileURL(join(ROOT, 'dist', 'server', 'audit', 'audit-actions.js')).href);
  const auditPage = join(operations, 'audit-log.md');
  writeFileSync(auditPage, withAuditActions(readFileSync(auditPage, 'utf8')));
});
