// Every link of the documentation leads somewhere, and every file that it names as a proof is there.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './sources.js';

const ALONE = ['README.md', 'ARCHITECTURE.md', 'examples/README.md', 'benches/README.md'];
/** Folders of the repository that a path in code marks can begin with. */
const PATH = /`((?:test|crates|src|benches|tools|deploy|docs|examples|fuzz)\/[\w./-]+)`/g;
/** `relay-store/tests/erase.rs` is below `crates`. */
const CRATE_PATH = /`(relay-[a-z]+\/(?:src|tests)\/[\w./-]+)`/g;

/** Every page, relative to the root. */
function pages(root: string): string[] {
  const found = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
  return [...ALONE.filter((name) => existsSync(join(root, name))), ...found.map((name) => join('docs', name))];
}

/** What of a page is not inside a block of code. */
function prose(path: string): string {
  return readFileSync(path, 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '');
}

/** The names under which headings can be linked to. */
function anchors(path: string): Set<string> {
  const titles = [...prose(path).matchAll(/^#{1,6} +(.*)$/gm)].map(([, title = '']) => title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1'));
  return new Set(titles.map((title) => title.trim().toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-')));
}

/** What leads nowhere, as `page: link`. */
function dead(root: string): string[] {
  return pages(root).flatMap((page) => {
    const text = prose(join(root, page));
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link));
    const isDead = (link: string): boolean => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? join(root, page) : resolve(root, dirname(page), path);
      return !existsSync(target) || (anchor !== undefined && target.endsWith('.md') && !anchors(target).has(anchor));
    };
    const paths = [...[...text.matchAll(PATH)].map(([, path = '']) => path), ...[...text.matchAll(CRATE_PATH)].map(([, path = '']) => join('crates', path))];
    return [...links.filter(isDead), ...paths.filter((path) => !existsSync(join(root, path)))].map((link) => `${page}: ${link}`);
  });
}

describe('the documentation', () => {
  it('has no link that leads nowhere, and names no file that is not there', () => {
    expect(pages(ROOT).length).toBeGreaterThan(30);
    expect(dead(ROOT)).toEqual([]);
  });

  it('control: a page, a heading and a file that are not there are found', () => {
    const root = mkdtempSync(join(tmpdir(), 'sealrelay-docs-'));
    mkdirSync(join(root, 'docs'));
    const good = 'See [b](b.md), [its part](b.md#one-two) and [this](#a), `docs/b.md`.';
    writeFileSync(join(root, 'docs/a.md'), `# A\n\n${good}\n\n\`\`\`sh\n[x](y.md)\n\`\`\`\n`);
    writeFileSync(join(root, 'docs/b.md'), '# B\n\n## One, `two`\n');
    expect(dead(root)).toEqual([]);
    writeFileSync(join(root, 'docs/a.md'), '[c](c.md) [other](b.md#three) [here](#b) `docs/c.md` `relay-core/tests/none.rs` `test/none.test.ts`\n');
    expect(dead(root)).toEqual(['docs/a.md: c.md', 'docs/a.md: b.md#three', 'docs/a.md: #b', 'docs/a.md: docs/c.md', 'docs/a.md: test/none.test.ts', 'docs/a.md: crates/relay-core/tests/none.rs']);
    rmSync(root, { recursive: true, force: true });
  });
});
