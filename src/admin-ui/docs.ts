// The description of the admin API for people: every route by topic, from openapi.json.
import { h, replace } from './dom.js';
import { prose } from './parts.js';

interface Schema {
  readonly [key: string]: unknown;
}

interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean; readonly schema?: Schema }[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> };
  readonly responses?: Readonly<Record<string, { readonly description?: string; readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>>;
}

interface Description {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

async function start(): Promise<void> {
  const response = await fetch('/docs/openapi.json');
  const { info, paths }: Description = await response.json();
  const routes = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })));
  const topics = [...new Set(routes.map(({ operation }) => operation.tags?.[0] ?? 'other'))].sort();
  replace(
    document.body,
    h('header', { class: 'rail' }, h('p', { class: 'mark' }, 'sealrelay'), h('nav', { 'aria-label': 'Topics' }, h('ul', {}, ...topics.map((topic) => h('li', {}, h('a', { href: `#${topic}` }, topic))), h('li', {}, h('a', { href: '/admin' }, 'Admin page'))))),
    h(
      'main',
      { id: 'main' },
      h('header', { class: 'page-head' }, h('div', {}, h('h1', {}, info.title), h('p', { class: 'lead' }, prose(`Version ${info.version}. ${info.description ?? ''} `), h('a', { href: '/docs/openapi.json' }, 'openapi.json')))),
      ...topics.map((topic) => h('section', { id: topic }, h('h2', {}, topic), ...routes.filter(({ operation }) => (operation.tags?.[0] ?? 'other') === topic).map(({ path, method, operation }) => route(path, method, operation)))),
    ),
  );
}

function route(path: string, method: string, operation: Operation): HTMLElement {
  const body = operation.requestBody?.content?.['application/json']?.schema;
  const parameters = operation.parameters ?? [];
  return h(
    'details',
    { class: 'route' },
    h('summary', {}, h('span', { class: `method method-${method.toLowerCase()}` }, method), h('code', {}, path), h('span', { class: 'route-text' }, prose(operation.summary ?? ''))),
    parameters.length === 0 ? null : h('dl', { class: 'facts' }, ...parameters.map(({ name, in: where, required, schema }) => h('div', {}, h('dt', {}, h('code', {}, name)), h('dd', {}, `${where}${required === true ? ', required' : ''}: ${JSON.stringify(schema ?? {})}`)))),
    body === undefined ? null : block('Body', body),
    ...Object.entries(operation.responses ?? {}).map(([status, answer]) => {
      const schema = Object.values(answer.content ?? {})[0]?.schema;
      return schema === undefined ? h('p', {}, `${status}: no body`) : block(status, schema);
    }),
  );
}

function block(title: string, schema: Schema): HTMLElement {
  return h('div', {}, h('h3', {}, title), h('pre', { tabindex: '0' }, JSON.stringify(schema, null, 2)));
}

start().catch((error: unknown) => replace(document.body, h('main', { class: 'alone' }, h('h1', {}, 'Admin API'), h('p', { role: 'alert' }, String(error)))));
