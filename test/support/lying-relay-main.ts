// The lying relay as a process of its own: `lying-relay-main <lie>` listens on a free port of the loopback interface, prints one
// line of JSON with its relay address, and is honest until it reads `begin` (or `begin <device key in hexadecimal>`) from stdin.
// `crash` ends all connections.
import { createInterface } from 'node:readline';
import { listen } from './listen.js';
import { LIES, LyingRelay } from './lying-relay.js';

const lie = LIES.find((known) => known === process.argv[2]);
const heartbeatMs = Number(process.argv[3] ?? 30_000);
if (lie === undefined || !(heartbeatMs > 0)) {
  process.stderr.write(`usage: lying-relay-main <${LIES.join('|')}> [heartbeat in ms]\n`);
  process.exit(2);
}

function say(msg: string, fields: Readonly<Record<string, string>> = {}): void {
  process.stdout.write(`${JSON.stringify({ msg, lie, ...fields })}\n`);
}

const relay = await new LyingRelay({ heartbeatMs }).start();
const { port } = await listen(relay);
say('lying relay is listening', { relayAddress: relay.address(port) });
createInterface({ input: process.stdin }).on('line', (line) => {
  const [command, device] = line.split(' ');
  if (command === 'crash') relay.crash();
  if (command === 'begin') relay.begin(lie, device);
  say(`done: ${command ?? ''}`);
});
