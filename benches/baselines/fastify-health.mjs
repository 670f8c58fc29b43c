// A plain Fastify server with the same answer as the relay's /health, for comparison.
import fastify from 'fastify';

const app = fastify();
const text = { type: 'string' };
const number = { type: 'number' };
const database = { type: 'object', properties: { status: text, latency_ms: number } };
const answer = { type: 'object', properties: { status: text, timestamp: number, region: text, version: text, database, uptime_seconds: number } };
app.get('/health', { schema: { response: { 200: answer } } }, async (_request, reply) => {
  reply.header('cache-control', 'no-store');
  const database = { status: 'ok', latency_ms: 0 };
  return { status: 'ok', timestamp: Date.now(), region: 'local', version: '0.0.0', database, uptime_seconds: Math.floor(process.uptime()) };
});
await app.listen({ host: '127.0.0.1', port: 0 });
const address = app.server.address();
console.log(JSON.stringify({ port: typeof address === 'object' ? address?.port : null }));
