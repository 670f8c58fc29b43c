// `relay demo`: a relay that leaves nothing behind, and the page that shows what it gets of two devices.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Found } from '../../config/finding.js';
import type { ReadFlags } from '../../config/flags.js';
import type { BannerFacts } from '../banner.js';
import { JSON_SWITCH, type Command } from '../command.js';
import type { CliIo } from '../io.js';

export const demoCommand: Command = {
  name: 'demo',
  summary: 'shows two devices in one page, and all the relay gets of them',
  about: [
    'Starts a relay on a temporary directory and a free port of this machine, and opens its demo in the browser: one note and one drawing on two devices, and between them what the relay sees.',
    'Ctrl-C ends it, and everything it kept is gone. The demo of a relay that keeps its data is at /demo (option `demo`).',
  ],
  operand: null,
  options: ['port', 'admin.port'],
  switches: [{ name: 'no-open', value: null, doc: 'Prints the address and opens nothing.' }, { ...JSON_SWITCH, doc: 'Prints a line of JSON, as `relay serve --json` does, and opens nothing; warnings go to stderr.' }],
  examples: [
    { line: 'relay demo', does: 'opens the page' },
    { line: 'relay demo --no-open --port 8081', does: 'only prints the address, with a port of your choice' },
    { line: 'relay demo --json', does: 'for a program: `demoUrl` is where the page is' },
  ],
  exits: ['stopped in order', 'could not start or run'],
  run: demo,
};

async function demo({ found, switches }: ReadFlags, io: CliIo): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-demo-'));
  // Also when a second signal ends the process at once.
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  const origin = { label: 'relay demo', place: null };
  const quiet = switches.has('json') ? { 'log.level': 'warn' } : {};
  const own = Object.entries({ 'data-dir': join(dir, 'data'), demo: 'on', port: '0', 'admin.port': 'off', ...quiet }).map(([key, text]) => [key, { text, origin }] as const);
  const shown = (facts: BannerFacts): string => {
    if (facts.demoUrl !== null && switches.get('no-open') !== 'true') openInBrowser(facts.demoUrl);
    return `\nsealrelay ${facts.version}: the demo is at\n\n  ${facts.demoUrl}\n\nWhat it keeps is in a temporary directory, and gone when it stops. Ctrl-C stops it.\n`;
  };
  // Loaded when it is needed: the other commands answer without the server. No file of an operator has a say here.
  const { serve } = await import('../serving.js');
  return serve({ operands: [], found: new Map<string, Found>([...own, ...found]), switches: new Map([...switches, ['config', 'off']]) }, io, shown);
}

/** Where there is no browser, the address that is printed is enough. */
function openInBrowser(url: string): void {
  const [command = '', ...args] = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[process.platform as string] ?? ['xdg-open'];
  const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}
