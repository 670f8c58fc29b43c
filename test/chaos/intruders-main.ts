// The torture run's harness around intruders.ts: replays, attempts across spaces and words that nobody may give, until the time is up. None may succeed, all
// must be told the same, and the victim's log must be what it was.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';
import { makeRawSpace, RawClient } from '../support/raw-client.ts';
import { HttpClient } from '../support/http-client.ts';
import { freePort, startRelay } from '../support/relay-process.ts';
import { FORGERIES, HTTP_REPLAYS, recordHttp } from './intruders-http.ts';
import { vouch, VOUCHES } from './intruders-sponsor.ts';
import { CROSSINGS, record, REPLAYS, type Loot, type Outcome } from './intruders.ts';

const AT_ONCE = 100;
const CONTROL_ATTEMPTS = 20;
const ENTRIES = 50;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string', default: '0' } } });

async function prepare(address: string): Promise<Loot> {
  const victim = await makeRawSpace(['write']);
  const own = await makeRawSpace(['admin']);
  const [victimDevice, ownDevice] = [victim.devices[0], own.devices[0]];
  if (victimDevice === undefined || ownDevice === undefined) throw new Error('a space has a device');
  (await RawClient.open(address, own, ownDevice)).close();
  const client = await RawClient.open(address, victim, victimDevice);
  for (let pushSeq = 1; pushSeq <= ENTRIES; pushSeq += 1) {
    client.send({ type: 'Push', pushSeqFirst: pushSeq, keyEpoch: 1, entries: [new Uint8Array(300).fill(pushSeq)] });
    while ((await client.next()).type !== 'Receipt');
  }
  client.close();
  return { address, victim, victimDevice, recording: await record(address, victim, victimDevice), own, ownDevice };
}

/** Everything a member sees of the victim's space. */
async function state({ address, victim, victimDevice }: Loot): Promise<string> {
  const client = await RawClient.open(address, victim, victimDevice);
  const digest = createHash('sha256');
  for (const { seq, device, pushSeq, sealed } of await client.pullAll()) digest.update(`${seq} ${pushSeq} `).update(device).update(sealed);
  client.close();
  return `${client.welcome.rosterVersion} ${client.welcome.pushSeqHigh} ${digest.digest('hex')}`;
}

/** Runs attempts of one list until the time is up or they are enough. */
async function run<T>(attempts: readonly ((loot: T) => Promise<Outcome>)[], loot: T, endMs: number, countMax: number): Promise<{ count: number; accepted: number; told: Set<string> }> {
  const sum = { count: 0, accepted: 0, told: new Set<string>() };
  const worker = async (): Promise<void> => {
    while (Date.now() < endMs && sum.count < countMax) {
      const attempt = attempts[sum.count % attempts.length];
      sum.count += 1;
      const outcome = await attempt?.(loot);
      sum.accepted += outcome?.accepted === true ? 1 : 0;
      sum.told.add(outcome?.told ?? '');
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return sum;
}

/** A relay that asks nobody for anything: it answers with the recorded challenge and the recorded welcome. */
async function gullible({ recording, ...loot }: Loot): Promise<{ loot: Loot; stop: () => void }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => {
    let messages = 0;
    socket.on('message', () => socket.send((messages += 1) === 1 ? recording.challenge : recording.welcome));
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const address = loot.address.replace(/:\d+\//, `:${port}/`);
  return { loot: { ...loot, recording, address }, stop: () => server.close() };
}

const dir = mkdtempSync(join(tmpdir(), 'sealrelay-intruders-'));
const [dataDir, port] = [join(dir, 'data'), await freePort()];
const relay = await startRelay({ dataDir, port });
const loot = await prepare(relay.address);
const before = await state(loot);
const client = new HttpClient(relay.port);
const httpLoot = await recordHttp(client, relay.address, [loot.victim, loot.victimDevice], [loot.own, loot.ownDevice]);
const share = Number(values.seconds) * 200;
const until = (): number => Date.now() + share;
const replays = await run(REPLAYS, loot, until(), Number.POSITIVE_INFINITY);
const crossings = await run(CROSSINGS, loot, until(), Number.POSITIVE_INFINITY);
const httpReplays = await run(HTTP_REPLAYS, httpLoot, until(), Number.POSITIVE_INFINITY);
const forgeries = await run(FORGERIES, httpLoot, until(), Number.POSITIVE_INFINITY);
const after = await state(loot);
client.close();
const control = await gullible(loot);
const fooled = await run([...REPLAYS, ...CROSSINGS], control.loot, Number.POSITIVE_INFINITY, CONTROL_ATTEMPTS);
control.stop();
await relay.stop();
const asking = await startRelay({ dataDir, port, env: { RELAY_ADMISSION: 'invite' } });
const vouches = await run(VOUCHES, loot, until(), Number.POSITIVE_INFINITY);
const vouched = await vouch(loot, loot.ownDevice, loot.own.id);
await asking.stop();
rmSync(dir, { recursive: true, force: true });

const told = { 'failed handshakes': new Set([...replays.told, ...crossings.told]), 'failed handshakes over HTTP': httpReplays.told, 'forged tokens': forgeries.told, 'devices that may not vouch': vouches.told };
const accepted = replays.accepted + crossings.accepted + httpReplays.accepted + forgeries.accepted + vouches.accepted;
const violations = [
  ...(accepted > 0 ? [`${accepted} attempts got in`] : []),
  ...Object.entries(told).flatMap(([what, answers]) => (answers.size > 1 ? [`${what} were told ${answers.size} different things`] : [])),
  ...(before === after ? [] : ['the victim’s space changed']),
].map((what) => ({ what, replay: 'npm run torture -- --only intruders' }));
const counts = { replays: replays.count + httpReplays.count, crossings: crossings.count + forgeries.count, vouches: vouches.count };
console.log(JSON.stringify({ counts, violations, control: { caught: fooled.accepted > 0 && vouched.accepted, what: `a relay that checks nothing let ${fooled.accepted} of ${fooled.count} in; an admin of its own space may vouch` } }));
