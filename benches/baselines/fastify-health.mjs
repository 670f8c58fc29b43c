// A plain Fastify server with the same answer as the relay's /health, for comparison.
import fastify from 'fastify';

const app = fastify();
const schema = { response: { 200: { type: 'object', properties: { status: { type: 'string' }, phase: { type: 'string' }, version: { type: 'string' } } } } };
app.get('/health', { schema }, async () => ({ status: 'ok', phase: 'ready', version: '0.0.0' }));
await app.listen({ host: '127.0.0.1', port: 0 });
const address = app.server.address();
console.log(JSON.stringify({ port: typeof address === 'object' ? address?.port : null }));
