// The configurations of deploy/proxy, run by the programs they are for, in front of the built relay.
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createSpace, type Space } from '../../src/client/node.js';
import { PASSING_NAMES, PROXY_NAMES, ProxyProcess, hasProxy, type ProxyName } from '../support/proxy-process.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { HAS_OPENSSL, TestAuthority } from '../support/test-authority.js';

/** Of loopback, but not the address the proxy connects from. */
const [ALICE, BOB, CAROL] = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
const REQUESTS_MAX = 3;
const SILENCE_MS = 2000;

let dir: string;
let authority: TestAuthority;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sealrelay-proxies-'));
  if (HAS_OPENSSL) authority = new TestAuthority(dir, 'test-authority');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Scene extends AsyncDisposable {
  /** Status of `/health`, asked through the proxy from an address. */
  ask(from: string, headers?: Record<string, string>): Promise<number>;
  /** Every `Strict-Transport-Security` of an answer to a foreign client. */
  hsts(from: string): Promise<string[]>;
  readonly space: Space;
  /** WebSockets that were opened. */
  readonly opened: () => number;
  restart(): Promise<void>;
}

/** A relay, the proxy in front of it, and a space over a WebSocket through both. */
async function scene(name: ProxyName, title: string, env: Readonly<Record<string, string>>): Promise<Scene> {
  const place = join(dir, title);
  const relayPort = await freePort();
  const [certificate, key] = [join(dir, `${title}.crt`), join(dir, `${title}.key`)];
  authority.issue(certificate, key);
  const passed = PASSING_NAMES.includes(name) ? { RELAY_PROXY_PROTOCOL: 'true', RELAY_TLS_CERT: certificate, RELAY_TLS_KEY: key } : {};
  const start = (): Promise<RelayProcess> =>
    startRelay({ dataDir: join(place, 'data'), port: relayPort, env: { RELAY_DRAIN_TIME: '500ms', RELAY_LIMITS_REQUESTS_PER_MINUTE: String(REQUESTS_MAX), ...passed, ...env } });
  let relay = await start();
  const proxy = await ProxyProcess.start(name, { dir: place, relayPort, certificate, key, silence: `${SILENCE_MS / 1000}s` });
  let opened = 0;
  class ThroughProxy extends WebSocket {
    constructor(url: string) {
      super(url, { ca: authority.pem, family: 4, localAddress: ALICE });
      opened += 1;
    }
  }
  const address = `sealrelay://localhost:${proxy.port}/?tls=on${new URL(relay.address).hash}`;
  const space = await createSpace({ relay: address, webSocket: ThroughProxy });
  return {
    space,
    opened: () => opened,
    ask: async (from, headers = {}) => (await answerOf(proxy.port, from, '/health', headers)).statusCode ?? 0,
    hsts: async (from) => (await answerOf(proxy.port, from, '/sync/push', {})).headersDistinct['strict-transport-security'] ?? [],
    restart: async () => {
      expect(await relay.stop()).toBe(0);
      relay = await start();
    },
    async [Symbol.asyncDispose]() {
      await space.close();
      await proxy[Symbol.asyncDispose]();
      await relay.stop();
    },
  };
}

function answerOf(port: number, localAddress: string, path: string, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: 'localhost', port, path, family: 4, localAddress, headers, ca: authority.pem, agent: false }, (answer) => {
      answer.resume().once('end', () => resolve(answer));
    });
    sent.once('error', reject).end();
  });
}

async function statuses(ask: Scene['ask'], from: string, count: number, headers?: Record<string, string>): Promise<number[]> {
  const found: number[] = [];
  for (let index = 0; index < count; index += 1) found.push(await ask(from, headers));
  return found;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const BEHIND = { RELAY_BEHIND_PROXY: '127.0.0.1/32', RELAY_HEARTBEAT: '500ms', RELAY_COMPAT_GRACEFUL: 'on' };

describe.skipIf(!productBuilt() || !HAS_OPENSSL || process.platform !== 'linux')('a relay behind a proxy that ends TLS (needs Linux, `npm run build` and openssl)', () => {
  for (const name of PROXY_NAMES) {
    it.concurrent(`is told by ${name} who asks, keeps quiet sessions, and is back after a restart (skipped without ${name})`, async (context) => {
      if (!hasProxy(name)) return context.skip(`${name} is not installed`);
      await using through = await scene(name, name, BEHIND);
      const { space, ask, opened } = through;
      await space.push(bytes('one')).durable('relay');
      expect(await statuses(ask, ALICE, REQUESTS_MAX + 1)).toEqual([200, 200, 200, 429]);
      expect(await ask(ALICE, { 'x-forwarded-for': '198.51.100.7', forwarded: 'for=198.51.100.8' })).toBe(429);
      expect(await ask(BOB)).toBe(200);
      // The answers of one protocol speak for whole domains, as its original does; whoever ends TLS speaks for one name.
      expect(await through.hsts(CAROL)).toEqual(['max-age=31536000']);
      await sleep(1.6 * SILENCE_MS);
      expect(opened()).toBe(1);
      await through.restart();
      await space.push(bytes('two')).durable('relay');
      expect(opened()).toBeGreaterThan(1);
    });
  }

  it.concurrent('control: without `behind-proxy` its clients are one, and without heartbeats the proxy cuts them off (skipped without nginx)', async (context) => {
    if (!hasProxy('nginx')) return context.skip('nginx is not installed');
    await using through = await scene('nginx', 'control', {});
    await through.space.push(bytes('one')).durable('relay');
    expect([...(await statuses(through.ask, ALICE, REQUESTS_MAX)), await through.ask(BOB)]).toEqual([200, 200, 200, 429]);
    await sleep(1.6 * SILENCE_MS);
    expect(through.opened()).toBeGreaterThan(1);
  });
});
