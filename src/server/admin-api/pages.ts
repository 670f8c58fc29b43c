// The admin page and the description of its API.
import type { App } from '../fastify.js';
import { sendFile, type PageFiles } from '../page-files.js';
import { problemSchema } from '../plugins/problem.js';

const schema = (summary: string): object => ({ tags: ['page'], summary, querystring: { type: 'object', properties: {}, additionalProperties: true }, response: { 200: { type: 'string' }, '4xx': problemSchema } });

export function pageRoutes(app: App, files: PageFiles): void {
  const access = 'open' as const;
  app.get('/admin', { config: { access }, schema: schema('The admin page.') }, async (request, reply) => sendFile(files, 'index.html', request, reply));
  app.get('/docs', { config: { access }, schema: schema('The description of this API, for people.') }, async (request, reply) => sendFile(files, 'docs.html', request, reply));
  app.get<{ Params: { name: string } }>(
    '/admin/assets/:name',
    { config: { access }, schema: { ...schema('A file of the admin page.'), params: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } } },
    async (request, reply) => sendFile(files, request.params.name, request, reply),
  );
  app.get('/', { config: { access }, schema: { tags: ['page'], summary: 'To the admin page.', response: { 303: { type: 'null' } } } }, async (_request, reply) => reply.redirect('/admin', 303));
}
