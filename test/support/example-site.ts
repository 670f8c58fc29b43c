// Example apps as a bundler builds them, with `sealrelay/…` taken from the built package, and a server of them.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';

export const ROOT = join(import.meta.dirname, '../..');
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };

/** The package as an app that installed it sees it: by its entries, and by nothing else. */
export const ownPackage: Plugin = {
  name: 'own package',
  setup: (plugin) => {
    plugin.onResolve({ filter: /^sealrelay(\/|$)/ }, ({ path, pluginData }) => (pluginData === 'again' ? null : plugin.resolve(path, { resolveDir: ROOT, kind: 'import-statement', pluginData: 'again' })));
  },
};

export interface ExampleSite {
  readonly url: string;
  close(): void;
}

/** Serves an example: its document, its style sheet and its bundled script. */
export async function serveExample(folder: string, script: string): Promise<ExampleSite> {
  const files = new Map<string, string>(['index.html', 'style.css'].map((name) => [`/${name}`, readFileSync(join(folder, name), 'utf8')]));
  const { outputFiles } = await build({ entryPoints: [join(folder, script)], outdir: '/', bundle: true, format: 'esm', platform: 'browser', target: 'es2022', jsx: 'automatic', define: { 'process.env.NODE_ENV': '"production"' }, write: false, plugins: [ownPackage], nodePaths: [join(ROOT, 'node_modules')] });
  for (const { path, text } of outputFiles) files.set(path, text);
  const document = (files.get('/index.html') ?? '').replace(`./${script}`, './main.js').replace('</head>', files.has('/main.css') ? '<link rel="stylesheet" href="./main.css" /></head>' : '</head>');
  return serveFiles(new Map([...files, ['/', document]]));
}

/** Serves texts by their paths. */
export async function serveFiles(files: ReadonlyMap<string, string>): Promise<ExampleSite> {
  const server = createServer(({ url = '/' }, response) => {
    const text = files.get(url);
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': TYPES[extname(url)] ?? TYPES['.html'] }).end(text);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { url: `http://127.0.0.1:${address === null || typeof address === 'string' ? 0 : address.port}/`, close: () => void server.close() };
}
