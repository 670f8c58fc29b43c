// Compiles a route's schemas when they are first used. Compiling those of every route took half of the time the control plane
// needs to start, and most routes are never asked in the life of a process.
import type AjvCompiler from '@fastify/ajv-compiler';
import type SerializerSelector from '@fastify/fast-json-stringify-compiler';
import type { FastifySchema, FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify';
import { createRequire } from 'node:module';
import type { App } from '../fastify.js';

type Validate = FastifySchemaCompiler<FastifySchema>;
type Serialize = FastifySerializerCompiler<FastifySchema>;
type Validator = ReturnType<Validate>;

// The compilers are CommonJS, and a validator is wanted within a synchronous call: `import()` would come too late.
const load = createRequire(import.meta.url);

/** Fastify's own compilers, put off: what cannot be compiled fails its route's first request, and a test that compiles all of them. */
export function compileSchemasAtFirstUse(app: App): void {
  const validator = once(() => (load('@fastify/ajv-compiler') as typeof AjvCompiler)()({}, { customOptions: {} }) as Validate);
  const serializer = once(() => (load('@fastify/fast-json-stringify-compiler') as typeof SerializerSelector)()({}) as Serialize);
  app.setValidatorCompiler<FastifySchema>((route) => putOffValidator(once(() => validator()(route))));
  app.setSerializerCompiler<FastifySchema>((route) => {
    const compiled = once(() => serializer()(route));
    return (data) => compiled()(data);
  });
}

function putOffValidator(compiled: () => Validator): Validator {
  const validate: Validator = (data) => {
    const result = compiled()(data);
    // Where Fastify looks for what was wrong.
    validate.errors = compiled().errors ?? null;
    return result;
  };
  return validate;
}

/** What `make` gives, made once and when it is first asked for. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
