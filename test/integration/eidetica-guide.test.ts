// The code of docs/guides/eidetica.md, as it stands there, against the built product: what it says it sends arrives.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadIroh } from '../../src/client/eidetica/iroh/iroh-package.js';
import { Peer } from '../conformance/eidetica/client.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';

const ROOT = join(import.meta.dirname, '../..');
const isIrohInstalled = await loadIroh().then(() => true, () => false);

describe.skipIf(!productBuilt())('the guide of Eidetica (skipped unless the product is built)', () => {
  let dir: string;

  beforeAll(() => {
    mkdirSync(join(ROOT, '.build'), { recursive: true });
    dir = mkdtempSync(join(ROOT, '.build', 'eidetica-guide-'));
  });

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** Runs the program at this place of the guide; what its names stand for in the end. */
  async function run(place: number, names: readonly string[], given: Readonly<Record<string, string>> = {}): Promise<Record<string, unknown>> {
    const programs = [...readFileSync(join(ROOT, 'docs/guides/eidetica.md'), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)];
    let code = (programs[place]?.[1] ?? '').replaceAll("'sealrelay/eidetica'", "'../../src/client/eidetica/node.js'");
    for (const [old, by] of Object.entries(given)) code = code.replace(old, by);
    const lines = code.split('\n');
    const isImport = (line: string): boolean => line.startsWith('import ');
    const body = lines.filter((line) => !isImport(line));
    const file = join(dir, `guide-${place}.ts`);
    writeFileSync(file, [...lines.filter(isImport), 'export async function guide(): Promise<Record<string, unknown>> {', ...body, `return { ${names.join(', ')} };`, '}', ''].join('\n'));
    const { guide } = (await import(file)) as { guide: () => Promise<Record<string, unknown>> };
    return guide();
  }

  test('its program runs, and the relay has what it committed', async () => {
    const relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
    const { tree, id } = await run(0, ['tree', 'id'], { '127.0.0.1:8080': `127.0.0.1:${relay.port}`, './device': join(dir, 'device') });
    expect(await new Peer(new URL(`http://127.0.0.1:${relay.port}`)).tips(String(tree))).toEqual([id]);
    await relay.stop();
  });

  test('two devices meet without a relay', async () => {
    const { tree, received } = await run(1, ['tree', 'received'], { 'port: 8788': `port: ${await freePort()}` });
    expect(received).toEqual([tree]);
  });

  test.skipIf(!isIrohInstalled)('two devices meet over iroh (skipped unless @number0/iroh can be loaded here, see test/peers/iroh)', async () => {
    const { peer } = await run(2, ['peer'], { '{ seed }': "{ seed, bind: ['127.0.0.1:0', '[::1]:0'] }" });
    expect(peer).toMatchObject({ isMutual: true });
  });
});
