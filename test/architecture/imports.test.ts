import { describe, expect, it } from 'vitest';
import { checkCrates, checkTypeScript, dependenciesOf, importsOf } from './import-rules.js';
import { readSources, rustSources, typescriptSources, withoutComments, type Source } from './sources.js';

describe('the import table', () => {
  it('holds for src', () => {
    const sources = typescriptSources();
    expect(sources.length).toBeGreaterThan(50);
    expect(checkTypeScript(sources)).toEqual([]);
  });

  it('holds for the crates', () => {
    const manifests = readSources(['crates'], ['Cargo.toml']);
    expect(manifests.length).toBe(8);
    expect(checkCrates(manifests)).toEqual([]);
  });

  it('no crate has unsafe code but the addon, and relay-hash, which has one block', () => {
    const crateOf = ({ path }: Source): string => path.split('/')[1] ?? '';
    const allows = rustSources().filter(({ path, text }) => path.endsWith('/src/lib.rs') && !text.includes('#![forbid(unsafe_code)]'));
    expect(allows.map(crateOf).toSorted()).toEqual(['relay-hash', 'relay-node']);
    const blocks = rustSources().filter((source) => crateOf(source) === 'relay-hash').flatMap(({ text }) => [...withoutComments(text).matchAll(/\bunsafe\b/g)]);
    expect(blocks).toHaveLength(1);
  });
});

describe('control: the rules catch', () => {
  it.each([
    ['src/protocol/a.ts', "import { x } from '../client/x.js';"],
    ['src/protocol/a.ts', "import { readFileSync } from 'node:fs';"],
    ['src/client/a.ts', "import { createHash } from 'node:crypto';"],
    ['src/client/deep/a.ts', "import { x } from '../../server/x.js';"],
    ['src/client/a.ts', "export * from '../config/options.js';"],
    ['src/client/a.ts', "import { drawQr } from './pairing/qr.js';"],
    ['src/client/space/a.ts', "import { encode } from 'uqr';"],
    ['src/client/a.ts', "const ws = await import('ws');"],
    ['src/native/a.ts', "import type { Config } from '../config/options.js';"],
    ['src/config/a.ts', "import { x } from '../server/x.js';"],
    ['src/server/a.ts', "import { x } from '../client/index.js';"],
    ['src/server/a.ts', "import { RelayCore } from '../../index.js';"],
    ['src/server/a.ts', "import { x } from '../../test/support/x.js';"],
    ['src/cli/a.ts', "import Fastify from 'fastify';"],
    ['src/fresh/a.ts', ''],
  ])('%s with %s', (path, text) => {
    expect(checkTypeScript([{ path, text }])).toHaveLength(1);
  });

  it.each([
    ['relay-proto', '[dependencies]\nrelay-core.workspace = true'],
    ['relay-core', '[dependencies]\nrelay-net = { path = "../relay-net" }'],
    ['relay-core', '[target."cfg(unix)".dependencies]\ntokio.workspace = true'],
    ['relay-store', '[dependencies.relay-net]\npath = "x"'],
    ['relay-net', '[build-dependencies]\nnapi-build.workspace = true'],
    ['relay-extra', ''],
  ])('%s with %s', (crate, text) => {
    expect(checkCrates([{ path: `crates/${crate}/Cargo.toml`, text }])).toHaveLength(1);
  });
});

describe('control: the rules let pass', () => {
  it('what the table allows', () => {
    const allowed = [
      { path: 'src/client/a.ts', text: "import { sha256 } from '@noble/hashes/sha2.js';\nimport { f } from '../protocol/f.js';" },
      { path: 'src/client/node.ts', text: "import { WebSocket } from 'ws';\nexport * from './index.js';" },
      { path: 'src/native/a.ts', text: "import type { X } from '../../index.js';" },
      { path: 'src/server/a.ts', text: "// never import '../client/x.js' here\nimport { y } from './y.js';" },
    ];
    expect(checkTypeScript(allowed)).toEqual([]);
  });

  it('dependencies of tests', () => {
    expect(dependenciesOf('[dependencies]\nbytes = "1"\n[dev-dependencies]\ntokio = "1"')).toEqual(['bytes']);
  });

  it('reads every form of import', () => {
    const text = "import 'a';\nimport b from \"b\";\nexport { c } from 'c';\nconst d = import('d');\nimport {\n  e,\n} from 'e';";
    expect(importsOf(text).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(importsOf("const text = \"import { a } from 'a';\";")).toEqual([]);
  });
});
