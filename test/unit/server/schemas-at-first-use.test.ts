import ajvCompiler from '@fastify/ajv-compiler';
import serializerSelector from '@fastify/fast-json-stringify-compiler';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { newApp } from '../../../src/server/fastify.js';
import { LOCAL, adminWorld } from '../../support/admin-app.js';

interface Operation {
  readonly parameters?: readonly { readonly schema?: object }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema?: object }> };
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema?: object }> }>;
}

// Its types are those of Ajv; what Fastify calls it with is a route.
const compileInput = ajvCompiler()({}, { customOptions: {} }) as (route: { readonly schema: object }) => unknown;
const compileOutput = serializerSelector()({});

function contents(content: Record<string, { readonly schema?: object }> | undefined): object[] {
  return Object.values(content ?? {}).flatMap(({ schema }) => schema ?? []);
}

describe('schemas that are compiled when they are first used', () => {
  it('compile, those of every route of the admin API', async () => {
    await using world = await adminWorld();
    const { paths } = (await world.app.inject({ url: '/docs/openapi.json', headers: LOCAL })).json<{ paths: Record<string, Record<string, Operation>> }>();
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    const inputs = operations.flatMap(({ parameters = [], requestBody }) => [...parameters.flatMap(({ schema }) => schema ?? []).map((value) => ({ type: 'object', properties: { value } })), ...contents(requestBody?.content)]);
    const outputs = operations.flatMap(({ responses }) => Object.values(responses).flatMap(({ content }) => contents(content)));
    for (const schema of inputs) expect(compileInput({ schema }), JSON.stringify(schema)).toBeTypeOf('function');
    for (const schema of outputs) expect(compileOutput({ method: '', url: '', httpStatus: '', schema }), JSON.stringify(schema)).toBeTypeOf('function');
    expect([inputs.length > 20, outputs.length > 20]).toEqual([true, true]);
    expect(() => compileInput({ schema: { type: 'nonsense' } })).toThrow('schema is invalid');
  });

  it('say what was wrong, refuse and coerce as ever, each time', async () => {
    await using app = newApp(pino({ level: 'silent' }), { trustProxy: false });
    const querystring = { type: 'object', required: ['count'], properties: { count: { type: 'integer', maximum: 5 } } };
    const response = { 200: { type: 'object', properties: { count: { type: 'integer' } } } };
    app.get('/', { schema: { querystring, response }, handler: async ({ query }) => ({ ...(query as object), more: 'never sent' }) });
    app.setErrorHandler((error: Error, _request, reply) => reply.code(400).send(error.message));
    for (let time = 0; time < 2; time += 1) {
      expect((await app.inject('/?count=6')).body).toContain('count must be <= 5');
      expect((await app.inject('/')).body).toContain("must have required property 'count'");
      expect((await app.inject('/?count=5')).body).toBe('{"count":5}');
    }
  });
});
