// The torture run's harness: testssl.sh against the product over TLS, and against a server that still speaks TLS 1.0.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServeProcess } from '../support/serve-process.ts';
import { HAS_OPENSSL, TestAuthority } from '../support/test-authority.ts';
import { HAS_TESTSSL, scan, type Scan } from './testssl.ts';

const REPLAY = 'npm run torture -- --only tls-audit';

async function audit(dir: string): Promise<{ product: Scan; control: Scan }> {
  const [certificate, key] = [join(dir, 'relay.crt'), join(dir, 'relay.key')];
  const authority = new TestAuthority(dir, 'test-authority');
  authority.issue(certificate, key, 80);
  await using relay = new ServeProcess(['--tls.cert', certificate, '--tls.key', key]);
  const { relayAddress } = await relay.logLine('relay is listening');
  const product = await scan(Number(/:(\d+)\//.exec(String(relayAddress))?.[1]), dir, authority.certPath);
  // The old versions need the old security level of OpenSSL.
  const old = createServer({ cert: readFileSync(certificate), key: readFileSync(key), minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }, (_, answer) => answer.end());
  await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
  const control = await scan((old.address() as AddressInfo).port, dir, authority.certPath);
  old.close();
  return { product, control };
}

if (!HAS_TESTSSL || !HAS_OPENSSL) {
  console.log(JSON.stringify({ skipped: 'there is no testssl or no openssl (Debian: testssl.sh)' }));
} else {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-testssl-'));
  const { product, control } = await audit(dir);
  rmSync(dir, { recursive: true, force: true });
  const violations = product.findings.map((what) => ({ what, replay: REPLAY }));
  if (product.rows < 20) violations.push({ what: `the scan has ${product.rows} rows only`, replay: REPLAY });
  console.log(JSON.stringify({ counts: { audits: 1, rows: product.rows }, violations, control: { caught: control.findings.length > 0, what: control.findings[0] ?? 'nothing was found' } }));
}
