// `npm test`: builds what is missing, runs every check, and ends with the line `N passed, N failed, N skipped`.
// A crash of any stage is a failure, and the stages after it still run.
import { runTool } from './lib/project.mjs';
import { add, exitCodeOf, none, totalLine } from './lib/count.mjs';
import { stages } from './lib/stages.mjs';

await runTool(async () => {
  const wanted = process.argv.slice(2);
  let total = none();
  /** @type {string[]} */
  const lines = [];
  for (const stage of stages) {
    if (wanted.length > 0 && !wanted.includes(stage.name)) continue;
    console.log(`\n── ${stage.name} ${'─'.repeat(Math.max(0, 74 - stage.name.length))}`);
    const startedMs = Date.now();
    const outcome = await stage.run().catch((/** @type {unknown} */ error) => {
      console.error(error instanceof Error ? error.message : error);
      return { passed: 0, failed: 1, skipped: 0, note: 'crashed' };
    });
    total = add(total, outcome);
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
    lines.push(`${stage.name.padEnd(18)} ${totalLine(outcome)} (${seconds} s)${outcome.note === undefined ? '' : `  ${outcome.note}`}`);
  }
  console.log(`\n${lines.join('\n')}\n`);
  process.exitCode = exitCodeOf(total);
  console.log(totalLine(total));
});
if (process.exitCode === undefined) process.exitCode = 1;
