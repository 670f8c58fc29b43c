// A certificate obtained, kept and renewed by the relay itself, from an authority that checks the domain over TLS.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, HAS_PEBBLE, Pebble } from '../support/pebble.js';
import { CLI, ServeProcess } from '../support/serve-process.js';
import { HAS_OPENSSL, TestAuthority } from '../support/test-authority.js';

const DOMAIN = 'relay.example.test';
/** Renewed after two thirds of it, and at most a twentieth later. */
const VALID_S = 9;
const PATIENCE_MS = 12_000;

let dir: string;
let authority: TestAuthority;
let relayPort: number;
let pebble: Pebble;

const isRunnable = existsSync(CLI) && HAS_OPENSSL && HAS_PEBBLE;

beforeAll(async () => {
  if (!isRunnable) return;
  dir = mkdtempSync(join(tmpdir(), 'sealrelay-acme-'));
  authority = new TestAuthority(dir, 'test-authority');
  relayPort = await freePort();
  pebble = await Pebble.start({ dir, authority, tlsPort: relayPort, validS: VALID_S });
});
afterAll(async () => {
  if (!isRunnable) return;
  await pebble[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

/** What the relay shows to a client that trusts `root` and asks for the domain; null when there is no handshake. */
function served(root: string): Promise<DetailedPeerCertificate | null> {
  return new Promise((resolve) => {
    const socket = connect({ port: relayPort, host: '127.0.0.1', servername: DOMAIN, ca: root }, () => {
      resolve(socket.getPeerCertificate(true));
      socket.end();
    });
    socket.once('error', () => resolve(null));
  });
}

async function eventually<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  for (const until = Date.now() + PATIENCE_MS; ; ) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > until) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe.skipIf(!isRunnable)('ACME (needs `npm run build`, openssl and tools/pebble.sh)', () => {
  it('obtains a certificate, keeps it for its owner only, renews it in time and starts with it again', async () => {
    const root = await pebble.root();
    const data = join(dir, 'data');
    const flags = ['--port', String(relayPort), '--data-dir', data, '--acme.domains', DOMAIN, '--acme.directory', pebble.directory, '--acme.ca', authority.certPath, '--acme.email', 'operator@example.test'];
    {
      await using relay = new ServeProcess(flags);
      const { relayAddress } = await relay.logLine('relay is listening');
      expect(relayAddress).toContain(`sealrelay://${DOMAIN}:${relayPort}/#k=`);
      const first = await eventually('a certificate', () => served(root));
      expect(first.subjectaltname).toBe(`DNS:${DOMAIN}`);
      const folder = join(data, 'acme');
      expect(readdirSync(folder).toSorted()).toEqual(['account.json', 'certificate.pem', 'domains.txt']);
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
      expect(relay.stdout.join('\n')).not.toMatch(/PRIVATE KEY/);
      const account = readFileSync(join(folder, 'account.json'), 'utf8');
      await eventually('a renewal', async () => {
        const now = await served(root);
        return now !== null && now.fingerprint256 !== first.fingerprint256 ? now : null;
      });
      expect(readFileSync(join(folder, 'account.json'), 'utf8')).toBe(account);
    }
    await using again = new ServeProcess(flags);
    await again.logLine('relay is listening');
    expect(await served(root)).not.toBeNull();
  });

  it('goes on without a certificate, and says why and when it tries again', async () => {
    const port = await freePort();
    await using relay = new ServeProcess(['--port', String(port), '--acme.domains', 'elsewhere.example.test', '--acme.directory', pebble.directory, '--acme.ca', authority.certPath]);
    await relay.logLine('relay is listening');
    // The domain leads to the port of the other test, where nobody listens now.
    const said = await eventually('a failure', async () => relay.stdout.find((line) => line.includes('acme_failed')) ?? null);
    expect(said).toMatch(/could not check the domains: elsewhere\.example\.test.*port 443 reaches the relay's port.*Next try in \d+ s\./);
  });
});
