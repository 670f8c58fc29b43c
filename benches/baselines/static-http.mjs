// The least a scrape can cost in Node: a server that answers every request with bytes it has already.
import { createServer } from 'node:http';

const body = Buffer.alloc(Number(process.argv[2] ?? 0), 'x');
const server = createServer((_request, response) => void response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length }).end(body));
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: /** @type {import('node:net').AddressInfo} */ (server.address()).port })));
