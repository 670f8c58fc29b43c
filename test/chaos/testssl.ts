// testssl.sh against a server on loopback: what it finds, from LOW upwards.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PROGRAM = 'testssl';
const SCAN_MS_MAX = 240_000;
const SERIOUS = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'];
/** An authority of a test has nobody who tells of certificates it took back. Its chain is known to the scan, so that counts. */
const OF_THE_TEST_AUTHORITY: readonly string[] = ['cert_revocation'];

export const HAS_TESTSSL = spawnSync(PROGRAM, ['--version'], { env: { ...process.env, TERM: 'dumb' } }).status === 0;

interface Row {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

export interface Scan {
  /** Rows the scan has. */
  readonly rows: number;
  /** What is LOW or worse, aside from what an authority of a test cannot have. */
  readonly findings: readonly string[];
}

/** `authority` is the certificate that the chain has to end at. */
export async function scan(port: number, dir: string, authority: string): Promise<Scan> {
  const json = join(dir, `testssl-${port}.json`);
  const args = ['--quiet', '--color', '0', '--warnings', 'off', '--ip', '127.0.0.1', '--nodns', 'none', '--add-ca', authority, '--jsonfile', json, `localhost:${port}`];
  await new Promise<void>((resolve, reject) => {
    const child = spawn(PROGRAM, args, { stdio: 'ignore', timeout: SCAN_MS_MAX, env: { PATH: process.env['PATH'], HOME: dir, TERM: 'dumb' } });
    child.once('error', reject).once('close', () => resolve());
  });
  const rows = JSON.parse(readFileSync(json, 'utf8')) as readonly Row[];
  const serious = rows.filter(({ id, severity }) => SERIOUS.includes(severity) && !OF_THE_TEST_AUTHORITY.includes(id));
  return { rows: rows.length, findings: serious.map(({ id, severity, finding }) => `${severity} ${id}: ${finding}`) };
}
