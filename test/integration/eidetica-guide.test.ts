// The code of docs/guides/eidetica.md, as it stands there, against the built product: what it says it sends arrives.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Peer } from '../conformance/eidetica/client.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';

const ROOT = join(import.meta.dirname, '../..');

describe.skipIf(!productBuilt())('the guide of Eidetica (skipped unless the product is built)', () => {
  let dir: string;

  beforeAll(() => {
    mkdirSync(join(ROOT, '.build'), { recursive: true });
    dir = mkdtempSync(join(ROOT, '.build', 'eidetica-guide-'));
  });

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('its program runs, and the relay has what it committed', async () => {
    const relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
    const [, code = ''] = /^```ts\n(.*?)^```$/ms.exec(readFileSync(join(ROOT, 'docs/guides/eidetica.md'), 'utf8')) ?? [];
    const lines = code.replaceAll("'sealrelay/eidetica'", "'../../src/client/eidetica/node.js'").replace('127.0.0.1:8787', `127.0.0.1:${relay.port}`).replace('./device', join(dir, 'device')).split('\n');
    const isImport = (line: string): boolean => line.startsWith('import ');
    const body = lines.filter((line) => !isImport(line));
    writeFileSync(join(dir, 'guide.ts'), [...lines.filter(isImport), 'export async function guide(): Promise<{ tree: string; id: string }> {', ...body, 'return { tree, id };', '}', ''].join('\n'));
    const { guide } = (await import(join(dir, 'guide.ts'))) as { guide: () => Promise<{ tree: string; id: string }> };
    const { tree, id } = await guide();
    expect(await new Peer(new URL(`http://127.0.0.1:${relay.port}`)).tips(tree)).toEqual([id]);
    await relay.stop();
  });
});
