// The code of docs/guides/react.md, as it stands there, type-checks as one file.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const BLOCKS_MIN = 4;
mkdirSync(join(ROOT, '.build'), { recursive: true });
const dir = mkdtempSync(join(ROOT, '.build', 'react-guide-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function complaintsOf(text: string): Promise<string> {
  writeFileSync(join(dir, 'guide.tsx'), text);
  const paths = { 'sealrelay/client': ['../../src/client/index.ts'], 'sealrelay/client/regions': ['../../src/client/region/index.ts'], 'sealrelay/client/storage': ['../../src/client/store/index.ts'], 'sealrelay/client/tabs': ['../../src/client/tabs/index.ts'], 'sealrelay/client/*': ['../../src/client/*/index.ts'], 'sealrelay/react/*': ['../../src/react/*.ts', '../../src/react/*.tsx', '../../src/react/*'], 'sealrelay/react': ['../../src/react/index.ts'] };
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', compilerOptions: { paths, noUnusedLocals: false }, include: ['guide.tsx', 'css.d.ts'] }));
  writeFileSync(join(dir, 'css.d.ts'), "declare module 'sealrelay/react/styles.css';\n");
  const tsc = join(ROOT, 'node_modules/typescript/lib/tsc.js');
  const checked = await promisify(execFile)(process.execPath, [tsc, '-p', dir, '--noEmit']).catch((cause: { stdout: string }) => cause);
  return checked.stdout;
}

test('the React guide type-checks, and a mistake in it would be found', { timeout: 60_000 }, async () => {
  const blocks = [...readFileSync(join(ROOT, 'docs/guides/react.md'), 'utf8').matchAll(/^```tsx\n(.*?)^```$/gms)].map(([, code = '']) => code);
  expect(blocks.length).toBeGreaterThanOrEqual(BLOCKS_MIN);
  expect(await complaintsOf(blocks.join('\n'))).toBe('');
  expect(await complaintsOf(blocks.join('\n').replace('{seenBy}', '{seenByNobody}'))).toContain('seenByNobody');
});
