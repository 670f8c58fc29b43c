// The lies of a relay in a process of its own, over real sockets.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll } from 'vitest';
import { NodeWebSocket } from '../../src/client/node.js';
import { webSocketTransport } from '../../src/client/transport/websocket-transport.js';
import { bundlePrograms } from '../../tools/lib/bundle.mjs';
import { lieScenes } from '../support/lie-scenes.js';

const ROOT = join(import.meta.dirname, '../..');
let dir: string;

beforeAll(async () => {
  // Below the root, so that the program finds the packages.
  mkdirSync(join(ROOT, '.build'), { recursive: true });
  dir = mkdtempSync(join(ROOT, '.build', 'lies-'));
  await bundlePrograms(['test/support/lying-relay-main.ts'], dir);
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

lieScenes(async (lie, heartbeatMs) => {
  const child = spawn(process.execPath, [join(dir, 'lying-relay-main.js'), lie, String(heartbeatMs)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<Record<string, string>> => {
    const line = await lines.next();
    if (line.done === true) throw new Error('the lying relay ended');
    return JSON.parse(line.value) as Record<string, string>;
  };
  const { relayAddress } = await nextLine();
  const tell = async (command: string): Promise<void> => {
    child.stdin.write(`${command}\n`);
    await nextLine();
  };
  return {
    address: () => relayAddress ?? '',
    transport: () => webSocketTransport(NodeWebSocket),
    begin: (device) => tell(device === undefined ? 'begin' : `begin ${device}`),
    crash: () => tell('crash'),
    end: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
});
