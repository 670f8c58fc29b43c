// Who may import whom. The table is the law; ARCHITECTURE.md shows the same as a picture.
import { posix } from 'node:path';
import { withoutComments, type Source } from './sources.js';

interface FolderRule {
  /** Folders (or single files) of `src` it may import, itself aside. */
  readonly own: readonly string[];
  /** Packages it may import; `node:*` allows the built-in modules. */
  readonly packages: readonly string[];
}

/** Keys are folders of `src`, or files directly in it. The longest key that fits a file holds. */
export const TYPESCRIPT_RULES: Readonly<Record<string, FolderRule>> = {
  protocol: { own: [], packages: ['@noble/curves', '@noble/hashes'] },
  client: { own: ['protocol'], packages: ['@noble/ciphers', '@noble/curves', '@noble/hashes'] },
  // Beside the client, not in it: an app that does not pair has no words, no QR codes and no curve arithmetic.
  'client/pairing': { own: ['protocol', 'client'], packages: ['@noble/curves', '@noble/hashes', '@scure/bip39', 'uqr'] },
  'client/pairing/node.ts': { own: ['client', 'client/node.ts', 'client/pairing'], packages: [] },
  'client/tabs/node.ts': { own: ['client', 'client/node.ts'], packages: [] },
  'client/node.ts': { own: ['protocol', 'client', 'client-node'], packages: ['ws'] },
  'client/graceful/node.ts': { own: ['client', 'client/node.ts', 'client-node'], packages: [] },
  // Loads hyperswarm by its name, where it is installed.
  'client/plures/node.ts': { own: ['client', 'client/node.ts'], packages: [] },
  // Loads iroh by its name, where it is installed.
  'client/eidetica/node.ts': { own: ['client', 'client-node', 'client/eidetica/serve/node-listener.ts'], packages: [] },
  'client/eidetica/serve/node-listener.ts': { own: ['client'], packages: ['node:*'] },
  'client-node': { own: ['client'], packages: ['node:*'] },
  yjs: { own: ['client'], packages: ['lib0', 'y-protocols', 'yjs'] },
  'yjs/node.ts': { own: ['client/node.ts', 'yjs'], packages: ['yjs'] },
  automerge: { own: ['client'], packages: ['@automerge/automerge', '@automerge/automerge-repo'] },
  'automerge/node.ts': { own: ['automerge', 'client/node.ts'], packages: [] },
  // Types of the client, and the drawing of QR codes: an app that uses hooks brings the client itself.
  react: { own: ['client', 'client/pairing'], packages: ['react'] },
  'errors.ts': { own: [], packages: [] },
  'version.ts': { own: [], packages: ['node:*'] },
  config: { own: ['errors.ts'], packages: ['node:*', 'toml-eslint-parser', 'yaml'] },
  native: { own: ['errors.ts', 'protocol'], packages: [] },
  server: {
    own: ['config', 'errors.ts', 'native', 'protocol', 'version.ts'],
    packages: ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', '@fastify/swagger', '@fastify/websocket', '@simplewebauthn/server', 'fastify', 'jose', 'node:*', 'pino', 'prom-client'],
  },
  // Runs in the browser of the operator and speaks to the admin API only.
  'admin-ui': { own: [], packages: [] },
  // A page that is an app like any other, and reads frames as a relay does.
  demo: { own: ['client', 'protocol', 'react', 'yjs'], packages: ['react', 'react-dom', 'yjs'] },
  // The relay in somebody's own app: the data plane without a port, and nothing of the apps of this relay.
  fastify: {
    own: ['config', 'errors.ts', 'native', 'server', 'version.ts'],
    packages: ['@fastify/websocket', 'fastify', 'fastify-plugin', 'node:*', 'ws'],
  },
  // For tests of apps: the relay without its control plane, a bad network, and what an app sees of the client.
  testing: { own: ['client', 'config', 'native', 'protocol', 'server'], packages: ['node:*', 'vitest'] },
  // Clients and a relay in one program: what checks the product from outside.
  verify: { own: ['client', 'client/node.ts', 'errors.ts', 'protocol', 'version.ts'], packages: ['node:*'] },
  cli: { own: ['config', 'errors.ts', 'native', 'protocol', 'server', 'verify', 'version.ts'], packages: ['node:*', 'pino', 'uqr'] },
  'index.ts': { own: ['config', 'errors.ts', 'native', 'server'], packages: ['pino'] },
};

/** The generated loader of the addon, and the one folder that may import it. */
const ADDON_PATH = 'index.js';
const ADDON_IMPORTER = 'native';

/** Violations of the table, one sentence each. */
export function checkTypeScript(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const key = ruleKeyOf(source.path.slice('src/'.length));
    const rule = key === null ? undefined : TYPESCRIPT_RULES[key];
    if (key === null || rule === undefined) return [`${source.path}: its folder has no row in the import table`];
    return importsOf(source.text)
      .filter((specifier) => !isAllowed(source.path, specifier, key, rule))
      .map((specifier) => `${source.path}: may not import ${specifier}`);
  });
}

/** Specifiers of every import, export-from and dynamic import. Code quoted in a string is not one: it does not start a line. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const patterns = [/^(?:import|export|\})[^'"\n]*\bfrom\s*['"]([^'"\n]+)/gm, /^import\s*['"]([^'"\n]+)/gm, /\bimport\s*\(\s*['"]([^'"\n]+)/g];
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].flatMap(([, specifier]) => specifier ?? []));
}

function isAllowed(path: string, specifier: string, key: string, rule: FolderRule): boolean {
  if (!specifier.startsWith('.')) return isAllowedPackage(specifier, rule);
  const target = posix.join(posix.dirname(path), specifier);
  if (target === ADDON_PATH) return key === ADDON_IMPORTER;
  if (!target.startsWith('src/')) return false;
  const targetKey = ruleKeyOf(target.slice('src/'.length).replace(/\.js$/, '.ts'));
  return targetKey !== null && (targetKey === key || rule.own.includes(targetKey));
}

function isAllowedPackage(specifier: string, rule: FolderRule): boolean {
  if (specifier.startsWith('node:')) return rule.packages.includes('node:*');
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  return rule.packages.includes(name);
}

function ruleKeyOf(path: string): string | null {
  if (path in TYPESCRIPT_RULES) return path;
  const folders = path.split('/').slice(0, -1).map((_, at, all) => all.slice(0, at + 1).join('/'));
  return folders.findLast((folder) => folder in TYPESCRIPT_RULES) ?? null;
}

interface CrateRule {
  readonly own: readonly string[];
  /** Crates it must never depend on, tests aside. */
  readonly never: readonly string[];
}

const JAVASCRIPT = ['napi', 'napi-derive', 'napi-build'];
const SOCKETS = ['hyper', 'hyper-util', 'socket2', 'tokio', 'mio', 'rustls'];
const DISK = ['redb', 'rustix', 'tempfile'];

export const CRATE_RULES: Readonly<Record<string, CrateRule>> = {
  'relay-hash': { own: [], never: [...JAVASCRIPT, ...SOCKETS, ...DISK, 'getrandom'] },
  'relay-proto': { own: ['relay-hash'], never: [...JAVASCRIPT, ...SOCKETS, ...DISK, 'getrandom'] },
  'relay-core': { own: ['relay-proto'], never: [...JAVASCRIPT, ...SOCKETS, ...DISK, 'getrandom'] },
  'relay-store': { own: ['relay-proto', 'relay-core'], never: [...JAVASCRIPT, 'hyper', 'socket2'] },
  'relay-compat': { own: ['relay-proto', 'relay-core'], never: [...JAVASCRIPT, ...SOCKETS, ...DISK] },
  'relay-net': { own: ['relay-proto', 'relay-core', 'relay-compat'], never: [...JAVASCRIPT, ...DISK] },
  // Knows the authority, not the port: what is to be shown there is handed to a trait.
  'relay-acme': { own: [], never: JAVASCRIPT },
  'relay-node': { own: ['relay-proto', 'relay-core', 'relay-store', 'relay-compat', 'relay-net', 'relay-acme'], never: [] },
};

/** Violations in the manifests `crates/<name>/Cargo.toml`. */
export function checkCrates(manifests: readonly Source[]): string[] {
  return manifests.flatMap(({ path, text }) => {
    const name = path.split('/')[1] ?? '';
    const rule = CRATE_RULES[name];
    if (rule === undefined) return [`${path}: the crate has no row in the import table`];
    return dependenciesOf(text)
      .filter((crate) => rule.never.includes(crate) || (crate.startsWith('relay-') && !rule.own.includes(crate)))
      .map((crate) => `${path}: may not depend on ${crate}`);
  });
}

/** Names in every dependency table but the one for tests. */
export function dependenciesOf(manifest: string): string[] {
  let inTable = false;
  return manifest.split('\n').flatMap((line) => {
    const header = /^\[(.+)\]\s*$/.exec(line)?.[1];
    if (header !== undefined) {
      inTable = /(^|\.)(build-)?dependencies$/.test(header);
      const single = /(?:^|\.)(?:build-)?dependencies\.([\w-]+)$/.exec(header)?.[1];
      return single ?? [];
    }
    const name = /^([\w-]+)\s*(?:\.|=)/.exec(line)?.[1];
    return inTable && name !== undefined ? name : [];
  });
}
