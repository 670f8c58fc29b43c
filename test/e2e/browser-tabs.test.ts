// Many tabs of one origin in a real browser: one device, one connection, and a leader that is killed while somebody types.
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { productBuilt } from '../support/relay-process.js';
import { TAB_PROGRAMS } from '../support/tab-programs.js';
import { TabScene, type TabProgram } from '../support/tab-scene.js';
import { CHROMIUM } from '../support/test-browser.js';
import { until } from '../support/test-space.js';

const WORDS_EACH = 30;
const LATE_WORDS = 20;

declare const page: TabProgram;

describe.skipIf(!productBuilt() || !existsSync(CHROMIUM)).each([
  { binding: 'Yjs', count: 10 },
  { binding: 'Automerge', count: 3 },
  { binding: 'a bare space', count: 10 },
] as const)('tabs of one origin over $binding (skipped without the built product and Chromium)', ({ binding, count }) => {
  const scene = new TabScene();
  beforeAll(() => scene.start(TAB_PROGRAMS[binding]), 60_000);
  afterAll(() => scene.close());

  test(`${count} tabs are one connection; the leader is killed while all type: nothing lost, nothing doubled, the same everywhere`, { timeout: 150_000 }, async () => {
    await scene.connectionsBecome(0);
    const tabs = await scene.tabs(count);
    await scene.connectionsBecome(1);
    const leader = await scene.leaderOf(tabs);
    const rest = tabs.filter((tab) => tab !== leader);
    const typing = rest.map((tab, at) => tab.evaluate(([name, words]) => page.type(name, words), [`tab${at}`, WORDS_EACH] as const));
    await leader.evaluate(() => void page.type('leader', 1000));
    await rest[0]?.waitForTimeout(250);
    await leader.close({ runBeforeUnload: false });
    await Promise.all(typing);
    for (const tab of rest) await tab.waitForFunction(() => page.settled(), undefined, { timeout: 75_000 });
    await scene.leaderOf(rest);
    await scene.connectionsBecome(1);

    // Another device, in a browser of its own.
    const away = await scene.newContext();
    const far = await scene.visit(away);
    const shared = await rest[0]?.evaluate(() => (globalThis as unknown as { readonly shared?: string }).shared ?? '');
    await far.evaluate(([link, given]) => page.open(link, given), [scene.link, shared ?? ''] as const);
    const words = (): Promise<string[]> => far.evaluate(() => page.words());
    const typed = rest.flatMap((_, at) => Array.from({ length: WORDS_EACH }, (_unused, word) => `tab${at}-${word}`));
    await far.waitForFunction((wanted) => wanted.every((word) => page.words().includes(word)), typed);
    // The control: another device is a connection of its own.
    await scene.connectionsBecome(2);
    const all = await words();
    expect(new Set(all).size).toBe(all.length);
    for (const tab of rest) {
      await tab.waitForFunction((length) => page.words().length === length, all.length);
      expect(await tab.evaluate(() => page.words())).toEqual(all);
      expect(await tab.evaluate(() => page.errors)).toEqual([]);
    }

    // A renderer that crashes says goodbye to nobody.
    const second = await scene.leaderOf(rest);
    const left = rest.filter((tab) => tab !== second);
    const late = left[0]?.evaluate((words) => page.type('late', words), LATE_WORDS);
    await scene.crash(second);
    await late;
    let arrived = 0;
    await until('the words typed while it crashed are there', () => {
      void words().then((now) => (arrived = now.length));
      return arrived === all.length + LATE_WORDS;
    }, 15_000);
    await scene.leaderOf(left);
    await away.close();
  });
});
