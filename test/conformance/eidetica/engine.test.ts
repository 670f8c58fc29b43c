// The same table on the sync engine of sealrelay/eidetica when it serves, with every tree open. Three sentences are of relays only: an
// engine keeps nothing that lacks a parent, has no tenants, and asks its app who may write.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EideticaSync, HttpListener, MemoryEntryBackend, openTrees } from '../../../src/client/eidetica/node.js';
import { CASES } from './cases.js';

const OF_RELAYS: readonly string[] = ['children before parents are kept until those come, in one request and in several', 'who shows a token is apart from all others, and is told its trees', 'a stranger who knows a signed tree writes nothing to it, and is no reader by having tried'];

describe.skipIf(process.env['RELAY_CONFORMANCE_URL'] !== undefined)('eidetica: an engine that serves', () => {
  let sync: EideticaSync;
  let url: URL;

  beforeAll(async () => {
    sync = await EideticaSync.open({ backend: new MemoryEntryBackend(), seed: randomBytes(32), serving: { access: openTrees, callsBurst: 10_000 } });
    const { address } = await sync.startServer(new HttpListener());
    url = new URL(`http://${address.address}`);
  });

  afterAll(() => sync.close());

  test('the sentences that are left out are in the table', () => {
    expect(CASES.filter(({ name }) => OF_RELAYS.includes(name))).toHaveLength(OF_RELAYS.length);
  });

  for (const { name, check } of CASES.filter((one) => !OF_RELAYS.includes(one.name))) test(name, () => check(url));
});
