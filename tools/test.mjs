// `npm test`: builds what is missing, runs every check, and ends with the line `N passed, N failed, N skipped`.
// A crash of any stage is a failure, and the stages after it still run.
import { runTool } from './lib/project.mjs';
import { add, exitCodeOf, none, totalLine } from './lib/count.mjs';
import { stageGroups } from './lib/stages.mjs';

/** @typedef {import('./lib/stages.mjs').Stage} Stage */

/** @param {Stage} stage */
async function runStage(stage) {
  console.log(`\n── ${stage.name} ${'─'.repeat(Math.max(0, 74 - stage.name.length))}`);
  const startedMs = Date.now();
  const outcome = await stage.run().catch((/** @type {unknown} */ error) => {
    console.error(error instanceof Error ? error.message : error);
    return { passed: 0, failed: 1, skipped: 0, note: 'crashed' };
  });
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  const line = `${stage.name.padEnd(18)} ${totalLine(outcome)} (${seconds} s)${outcome.note === undefined ? '' : `  ${outcome.note}`}`;
  return { outcome, line };
}

await runTool(async () => {
  const wanted = process.argv.slice(2);
  let total = none();
  /** @type {string[]} */
  const lines = [];
  for (const group of stageGroups) {
    const chosen = group.filter((stage) => wanted.length === 0 || wanted.includes(stage.name));
    for (const { outcome, line } of await Promise.all(chosen.map(runStage))) {
      total = add(total, outcome);
      lines.push(line);
    }
  }
  console.log(`\n${lines.join('\n')}\n`);
  process.exitCode = exitCodeOf(total);
  console.log(totalLine(total));
});
if (process.exitCode === undefined) process.exitCode = 1;
