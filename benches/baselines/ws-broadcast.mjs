// Broadcast on plain `ws`: what most people would write first. `--batched` is the second thing they would write: one
// frame per message, one write per socket and turn of the event loop.
// `/pub` publishes, every other path subscribes. Prints `{"port":…}` when it listens.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const FINAL_BINARY = 0x82;
const LENGTH_16 = 126;
const batched = process.argv.includes('--batched');

/** @type {Set<import('ws').WebSocket>} */
const subscribers = new Set();
/** @type {Set<import('node:net').Socket>} */
const sockets = new Set();
/** @type {Buffer[]} */
let turn = [];

function broadcast(/** @type {Buffer} */ message) {
  for (const subscriber of subscribers) subscriber.send(message, { binary: true });
}

function gather(/** @type {Buffer} */ message) {
  if (turn.length === 0) setImmediate(flush);
  turn.push(headerOf(message.length), message);
}

function headerOf(/** @type {number} */ length) {
  if (length < LENGTH_16) return Buffer.of(FINAL_BINARY, length);
  if (length > 0xffff) throw new RangeError('messages of up to 65,535 bytes');
  return Buffer.of(FINAL_BINARY, LENGTH_16, length >> 8, length & 0xff);
}

function flush() {
  const bytes = Buffer.concat(turn);
  turn = [];
  for (const socket of sockets) socket.write(bytes);
}

const server = createServer();
const webSockets = new WebSocketServer({ server });
webSockets.on('connection', (webSocket, request) => {
  if (request.url === '/pub') {
    webSocket.on('message', batched ? gather : broadcast);
    return;
  }
  subscribers.add(webSocket);
  sockets.add(request.socket);
  webSocket.on('close', () => {
    subscribers.delete(webSocket);
    sockets.delete(request.socket);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(JSON.stringify({ port: address.port }));
});
