// One stock GUN relay as a process of its own: `<axe|plain> <port> <directory> [peers…]`. Says `{"ready":true}` once it listens.
// With AXE it serves subscribers and asks no peers; plain it passes everything on to everybody.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const [kind, port, directory, ...peers] = process.argv.slice(2);
console.log = () => undefined;
// A stock program has no types.
const LIBRARY = 'gun';
const Gun = require(`${LIBRARY}/lib/server.js`);
const server = createServer();
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('{"ready":true}\n'));
Gun({ web: server, file: directory, peers, axe: kind === 'axe', multicast: false, stats: false });
process.stdin.on('end', () => process.exit(0)).resume();
