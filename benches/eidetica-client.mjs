// The sync engine of `sealrelay/eidetica` against its targets: what queueing a commit costs, entries per second to one peer (a real relay),
// and to another engine over HTTP and iroh, the memory of a hundred peers whose queues are full, and how soon sending goes on after a network
// that was away. Prints one line of JSON.
// `node --expose-gc benches/eidetica-client.mjs <host:port of a relay>`
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** What is shipped; its types are those of the source. */
const BUILT = new URL('../dist/client/eidetica/node.js', import.meta.url).href;
const { ClientError, EideticaSync, entryId, httpAddress, HttpListener, HttpTransport, IrohTransport, MemoryEntryBackend } = /** @type {typeof import('../src/client/eidetica/node.js')} */ (await import(BUILT));

const COMMITS = 20_000;
const SENT = 20_000;
const BATCH = 500;
const PEERS = 100;
/** As many as wait for one peer before trees are compared instead. */
const QUEUED = 1000;
const AWAY_MS = 15_000;
const DATA = 'x'.repeat(100);
const MIB = 2 ** 20;

/** @typedef {import('../src/client/eidetica/node.js').Entry} Entry */
/** @typedef {import('../src/client/eidetica/node.js').StoredEntry} StoredEntry */
/** @typedef {import('../src/client/eidetica/node.js').HttpTransport} HttpTransport */

const clock = { now: () => Date.now(), after: (/** @type {number} */ ms, /** @type {() => void} */ call) => {
  const timer = setTimeout(call, ms);
  return { cancel: () => clearTimeout(timer) };
} };

/** @param {number} count @returns {{tree: string, entries: StoredEntry[]}} */
function history(count) {
  /** @type {Entry} */
  const root = { tree: { root: '', parents: [], metadata: randomBytes(8).toString('hex') }, subtrees: [{ name: '_root', parents: [], data: '' }], sig: { sig: null, key: '' } };
  const tree = entryId(root, 'b');
  const entries = [{ id: tree, entry: root }];
  for (let n = 1; n < count; n += 1) {
    /** @type {Entry} */
    const entry = { tree: { root: tree, parents: [entries[n - 1]?.id ?? tree], metadata: null }, subtrees: [{ name: 'data', parents: [], data: `${n} ${DATA}` }], sig: { sig: null, key: 'KEY' } };
    entries.push({ id: entryId(entry, 'b'), entry });
  }
  return { tree, entries };
}

/** A transport that answers nobody, or passes on while there is a way. */
function gated(/** @type {{isOpen: boolean}} */ gate, /** @type {HttpTransport} */ http) {
  return {
    canReach: () => true,
    send: (/** @type {import('../src/client/eidetica/node.js').Address} */ address, /** @type {import('../src/client/eidetica/node.js').SyncRequest} */ request) =>
      gate.isOpen ? http.send(address, request) : Promise.reject(new ClientError('peer_unreachable', 'no way', { temporary: true })),
  };
}

async function main(/** @type {string} */ host) {
  const http = new HttpTransport(clock);
  const seen = { queue: await queueing(http, host), rate: await rate(http, host), engines: await engines(http), memory: await memory(http, host), resume: await resume(http, host) };
  console.log(JSON.stringify(seen));
}

/** Milliseconds that `hooks.run` takes: on average, and at most but for one of a thousand. */
async function queueing(/** @type {HttpTransport} */ http, /** @type {string} */ host) {
  const gate = { isOpen: true };
  const backend = new MemoryEntryBackend();
  const sync = await EideticaSync.open({ backend, seed: randomBytes(32), transports: [gated(gate, http)], pullIntervalSecs: 0 });
  const { publicKey } = await sync.connectToPeer(httpAddress(host));
  const { tree, entries } = history(2);
  await sync.addTreeSync(publicKey, tree);
  await backend.put(tree, entries);
  gate.isOpen = false;
  const took = [];
  for (let n = 0; n < COMMITS; n += 1) {
    const began = performance.now();
    sync.hooks.run({ tree, id: entries[1]?.id ?? tree });
    took.push(performance.now() - began);
    if (n % 100 === 0) await sleep(0);
  }
  await sync.close();
  took.sort((a, b) => a - b);
  return { mean: took.reduce((sum, ms) => sum + ms, 0) / took.length, p999: took[Math.floor(took.length * 0.999)] ?? 0 };
}

/** Entries per second that one peer acknowledges, durably, from the commit on. */
async function rate(/** @type {HttpTransport} */ http, /** @type {string} */ host) {
  const backend = new MemoryEntryBackend();
  const options = { queue: { maxQueueSize: BATCH, maxQueueAgeSecs: 0, batchSize: BATCH }, flush: { checkIntervalSecs: 0.05 }, pullIntervalSecs: 0 };
  const sync = await EideticaSync.open({ backend, seed: randomBytes(32), transports: [http], ...options });
  const { publicKey } = await sync.connectToPeer(httpAddress(host));
  const { tree, entries } = history(SENT);
  await backend.put(tree, entries.slice(0, 1));
  await sync.syncTree(publicKey, tree);
  const began = performance.now();
  for (let at = 1; at < entries.length; at += 1) {
    const stored = entries.slice(at, at + 1);
    await backend.put(tree, stored);
    for (const { id } of stored) sync.hooks.run({ tree, id });
    // As many as the queue takes: a program that commits faster than its peer stores would have its trees compared.
    if (at % 100 === 0) await untilWaiting(sync, QUEUED / 2);
  }
  while (sync.statistics().waiting > 0 || sync.statistics().entriesSent < SENT) await sleep(5);
  const seconds = (performance.now() - began) / 1000;
  await sync.close();
  return SENT / seconds;
}

/** Resolves when no more ids than that wait. */
async function untilWaiting(/** @type {import('../src/client/eidetica/node.js').EideticaSync} */ sync, /** @type {number} */ max) {
  while (sync.statistics().waiting > max) await sleep(1);
}

/** Entries per second from one engine to another one that serves, both in this process; null where iroh is not installed. */
async function engines(/** @type {HttpTransport} */ http) {
  const overHttp = await between(http, http, new HttpListener());
  const loopback = ['127.0.0.1:0', '[::1]:0'];
  const open = () => IrohTransport.open({ seed: randomBytes(32), bind: loopback });
  const ends = await Promise.all([open(), open()]).catch(() => null);
  if (ends === null) return { http: overHttp, iroh: null };
  const overIroh = await between(ends[0], ends[1], ends[1]);
  await Promise.all(ends.map((end) => end.close()));
  return { http: overHttp, iroh: overIroh };
}

/** @typedef {import('../src/client/eidetica/node.js').SyncTransport} SyncTransport */

async function between(/** @type {SyncTransport} */ ours, /** @type {SyncTransport} */ theirs, /** @type {import('../src/client/eidetica/node.js').SyncListener} */ listener) {
  const open = (/** @type {SyncTransport} */ way, /** @type {InstanceType<typeof MemoryEntryBackend>} */ backend) =>
    EideticaSync.open({ backend, seed: randomBytes(32), transports: [way], pullIntervalSecs: 0, serving: { callsBurst: 10_000 } });
  const { tree, entries } = history(SENT / 2);
  const [full, empty] = [new MemoryEntryBackend(), new MemoryEntryBackend()];
  await full.put(tree, entries);
  const [sends, serves] = [await open(ours, full), await open(theirs, empty)];
  const { address } = await serves.startServer(listener);
  await serves.addPeer(sends.publicKey);
  await serves.addTreeSync(sends.publicKey, tree);
  const { publicKey } = await sends.connectToPeer(address);
  const began = performance.now();
  const { sent } = await sends.syncTree(publicKey, tree);
  const seconds = (performance.now() - began) / 1000;
  await Promise.all([sends.close(), serves.close()]);
  return sent / seconds;
}

/** Bytes of a hundred peers with full queues, beside the same engine without any. */
async function memory(/** @type {HttpTransport} */ http, /** @type {string} */ host) {
  const { tree, entries } = history(QUEUED);
  const backend = new MemoryEntryBackend();
  await backend.put(tree, entries);
  const gate = { isOpen: true };
  const used = () => {
    globalThis.gc?.();
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  };
  const empty = await EideticaSync.open({ backend, seed: randomBytes(32), transports: [gated(gate, http)] });
  const before = used();
  // One relay is one peer; a hundred are in the journal of a device that met as many.
  const journal = peerJournal(PEERS, host, tree, entries.at(-1)?.id ?? tree);
  gate.isOpen = false;
  const sync = await EideticaSync.open({ backend, journal, seed: randomBytes(32), transports: [gated(gate, http)], queue: { maxQueueSize: 10_000, maxQueueAgeSecs: 3600 }, pullIntervalSecs: 0 });
  for (const { id } of entries) sync.hooks.run({ tree, id });
  await sleep(100);
  const waiting = sync.statistics().waiting;
  const bytes = used() - before;
  await Promise.all([sync.close(), empty.close()]);
  return { mib: bytes / MIB, waiting };
}

/** The journal of a device that knows so many peers. */
function peerJournal(/** @type {number} */ count, /** @type {string} */ host, /** @type {string} */ tree, /** @type {string} */ tip) {
  const changes = Array.from({ length: count }, () => `ed25519:${randomBytes(32).toString('base64')}`).flatMap((key) => [
    [`peer ${key}`, { publicKey: key, displayName: 'peer', addresses: [httpAddress(host)], isMutual: true, addedAt: 0, seenAt: 0 }],
    [`tree ${key} ${tree}`, true],
    [`cursor ${key} ${tree}`, { theirTips: [tip], syncedAt: Date.now() }],
  ]);
  const record = new TextEncoder().encode(JSON.stringify(changes));
  return { load: async () => [record], append: async () => undefined, replace: async () => undefined };
}

/** Milliseconds from when there is a way again until the peer has what was committed meanwhile. */
async function resume(/** @type {HttpTransport} */ http, /** @type {string} */ host) {
  const gate = { isOpen: true };
  const backend = new MemoryEntryBackend();
  const sync = await EideticaSync.open({ backend, seed: randomBytes(32), transports: [gated(gate, http)], queue: { maxQueueAgeSecs: 0 }, pullIntervalSecs: 0 });
  const { publicKey } = await sync.connectToPeer(httpAddress(host));
  const { tree, entries } = history(2);
  await backend.put(tree, entries.slice(0, 1));
  await sync.syncTree(publicKey, tree);
  gate.isOpen = false;
  await backend.put(tree, entries.slice(1));
  sync.hooks.run({ tree, id: entries[1]?.id ?? tree });
  await sleep(AWAY_MS);
  gate.isOpen = true;
  const began = performance.now();
  while (sync.statistics().waiting > 0) await sleep(20);
  const ms = performance.now() - began;
  await sync.close();
  return ms;
}

await main(process.argv[2] ?? '');
