// testssl.sh against a server on loopback: what it finds, from LOW upwards.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PROGRAM = 'testssl';
const SCAN_MS_MAX = 240_000;
const SERIOUS = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'];
/** What a certificate of a test authority cannot have: a public chain, a way to revoke it, a log that knows it, an entry in DNS. */
const OF_THE_TEST_AUTHORITY = /^(cert_chain_of_trust|cert_trust|cert_crlDistributionPoints|cert_ocspURL|cert_revocation|cert_notRevoked|OCSP_stapling|certificate_transparency|DNS_CAArecord|cert_certificatePolicies_EV|cert_extlifeSpan|cert_expirationStatus|overall_grade|grade_cap_reason_\d+|.*_score)$/;

export const HAS_TESTSSL = spawnSync(PROGRAM, ['--version'], { env: { ...process.env, TERM: 'dumb' } }).status === 0;

interface Row {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

export interface Scan {
  /** Rows the scan has. */
  readonly rows: number;
  /** What is LOW or worse, aside from what is due to the test authority. */
  readonly findings: readonly string[];
}

export async function scan(port: number, dir: string): Promise<Scan> {
  const json = join(dir, `testssl-${port}.json`);
  const args = ['--quiet', '--color', '0', '--warnings', 'off', '--ip', '127.0.0.1', '--nodns', 'none', '--jsonfile', json, `localhost:${port}`];
  await new Promise<void>((resolve, reject) => {
    const child = spawn(PROGRAM, args, { stdio: 'ignore', timeout: SCAN_MS_MAX, env: { PATH: process.env['PATH'], HOME: dir, TERM: 'dumb' } });
    child.once('error', reject).once('close', () => resolve());
  });
  const rows = JSON.parse(readFileSync(json, 'utf8')) as readonly Row[];
  const serious = rows.filter(({ id, severity }) => SERIOUS.includes(severity) && !OF_THE_TEST_AUTHORITY.test(id));
  return { rows: rows.length, findings: serious.map(({ id, severity, finding }) => `${severity} ${id}: ${finding}`) };
}
