// The code of the README, as it stands there, against the real relay.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { freePort, productBuilt, startRelay } from '../support/relay-process.ts';

const RUN_MS_MAX = 30_000;

function programOf(readme: string, address: string): string {
  const [, code] = /^```js\n(.*?)^```$/ms.exec(readme) ?? [];
  if (code === undefined) throw new Error('the README has no code');
  const client = pathToFileURL(resolve('dist/client/node.js')).href;
  // The program ends by itself once the last line is through; an app would go on.
  return `${code.replace("'sealrelay/client'", `'${client}'`).replace(/'sealrelay:\/\/[^']*'/, `'${address}'`)}\nprocess.exit(0);\n`;
}

test.skipIf(!productBuilt())('two devices share what one of them pushed (skipped unless the product is built)', async () => {
  mkdirSync('.build', { recursive: true });
  const dir = mkdtempSync(resolve('.build/readme-'));
  const relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
  try {
    const program = join(dir, 'app.mjs');
    writeFileSync(program, programOf(readFileSync('README.md', 'utf8'), relay.address));
    const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: RUN_MS_MAX });
    expect(stdout).toContain('sealrelay://');
    expect(stdout).toContain([...new TextEncoder().encode('hello')].join(', '));
  } finally {
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});
