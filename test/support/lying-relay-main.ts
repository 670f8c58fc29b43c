// The lying relay as a process of its own: `lying-relay-main <lie>` listens on a free port of the loopback interface, prints one
// line of JSON with its relay address, and is honest until it reads a line (a device key in hexadecimal, or nothing) from stdin.
import { createInterface } from 'node:readline';
import { WebSocketServer } from 'ws';
import { LIES, LyingRelay } from './lying-relay.js';
import type { Lie } from './lying-relay.js';

const HEARTBEAT_MS = 1000;

const lie = LIES.find((known): known is Lie => known === process.argv[2]);
if (lie === undefined) {
  process.stderr.write(`usage: lying-relay-main <${LIES.join('|')}>\n`);
  process.exit(2);
}

const relay = await new LyingRelay({ heartbeatMs: HEARTBEAT_MS }).start();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/v1/connect', perMessageDeflate: false, maxPayload: 16 * 1024 * 1024 });
server.on('connection', (socket) => {
  socket.binaryType = 'nodebuffer';
  const connection = relay.connect(
    (message) => socket.send(message),
    (code) => (code === 1006 ? socket.terminate() : socket.close(code)),
  );
  socket.on('message', (data, isBinary) => {
    if (isBinary && Buffer.isBuffer(data)) connection.receive(new Uint8Array(data));
    else socket.close(1003);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => connection.closed());
});
server.on('listening', () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  process.stdout.write(`${JSON.stringify({ msg: 'lying relay is listening', lie, relayAddress: relay.address(port) })}\n`);
});
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'crash') relay.crash();
  else relay.begin(lie, line === '' ? undefined : line);
  process.stdout.write(`${JSON.stringify({ msg: line === 'crash' ? 'connections were ended' : 'the lie has begun', lie })}\n`);
});
