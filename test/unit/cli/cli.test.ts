import { describe, expect, it } from 'vitest';
import { NEVER_SEES, SEES, clientSnippet, emphasisFor, renderBanner } from '../../../src/cli/banner.js';
import type { CliIo } from '../../../src/cli/io.js';
import { runCli, type Commands } from '../../../src/cli/run.js';
import { RelayError } from '../../../src/errors.js';
import { VERSION } from '../../../src/version.js';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(argv: string[], commands: Commands): Promise<Ran> {
  let out = '';
  let err = '';
  const io: CliIo = { env: {}, isTerminal: false, print: (text) => void (out += text), printError: (text) => void (err += text) };
  const code = await runCli(argv, commands, io);
  return { code, out, err };
}

const serve: Commands = { serve: async (args, io) => (io.print(`served ${args.join(' ')}`), 0) };

describe('runCli', () => {
  it('serves by default and by name', async () => {
    expect(await run([], serve)).toMatchObject({ code: 0, out: 'served ' });
    expect(await run(['serve', '--port', '1'], serve)).toMatchObject({ code: 0, out: 'served --port 1' });
    expect(await run(['--port', '1'], serve)).toMatchObject({ code: 0, out: 'served --port 1' });
  });

  it('prints help and version', async () => {
    expect(await run(['--version'], serve)).toEqual({ code: 0, out: VERSION, err: '' });
    const help = await run(['serve', '--help'], serve);
    expect(help.code).toBe(0);
    for (const line of help.out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('suggests a command', async () => {
    expect(await run(['sreve'], serve)).toEqual({ code: 2, out: '', err: 'relay: unknown command "sreve". Did you mean `relay serve`?' });
  });

  it('says cause and fix in one line', async () => {
    const failing: Commands = { serve: () => Promise.reject(new RelayError('port_in_use', 'the port is taken', { hint: 'Choose another.' })) };
    expect(await run([], failing)).toEqual({ code: 1, out: '', err: 'relay: the port is taken. Choose another.' });
  });
});

describe('the banner', () => {
  const facts = {
    version: '0.1.0',
    relayAddress: `sealrelay://127.0.0.1:65535/#k=${'A'.repeat(43)}`,
    dataDir: '/home/someone/relay-data',
    metricsUrl: 'http://127.0.0.1:9090/metrics',
  };
  const text = renderBanner(facts, emphasisFor({ NO_COLOR: '1' }));

  it('fits 80 columns', () => {
    for (const line of text.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
  });

  it('holds address, durability, TLS state, what is seen and not seen, and the snippet', () => {
    const flat = text.replaceAll(/\s+/g, ' ');
    for (const part of [facts.relayAddress, 'fsync', 'TLS off', ...SEES, ...NEVER_SEES]) expect(flat).toContain(part);
    expect(text).toContain(clientSnippet(facts.relayAddress));
  });

  it('honours NO_COLOR', () => {
    expect(text).not.toContain('\u001B');
    expect(renderBanner(facts, emphasisFor({}))).toContain('\u001B[1m');
    expect(renderBanner(facts, emphasisFor({ NO_COLOR: '' }))).toContain('\u001B[1m');
  });
});
