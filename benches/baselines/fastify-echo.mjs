// A Fastify route that sends back the body it got, for comparison: what HTTP costs there before anything is stored.
import fastify from 'fastify';

const app = fastify();
app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.post('/echo', async (request, reply) => reply.type('application/octet-stream').send(request.body));
await app.listen({ host: '127.0.0.1', port: 0 });
const address = app.server.address();
console.log(JSON.stringify({ port: typeof address === 'object' ? address?.port : null }));
