// A certificate authority made with openssl, for one test.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Whether openssl is there. */
export const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0;

const LEAF = 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=';

export class TestAuthority {
  readonly certPath: string;
  readonly #dir: string;
  readonly #keyPath: string;
  #count = 0;

  constructor(dir: string, name: string) {
    this.#dir = dir;
    this.certPath = join(dir, `${name}.pem`);
    this.#keyPath = join(dir, `${name}.key`);
    const subject = ['-subj', `/CN=${name}`, '-addext', 'keyUsage=critical,keyCertSign'];
    openssl(['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', ...subject, '-keyout', this.#keyPath, '-out', this.certPath]);
  }

  get pem(): string {
    return readFileSync(this.certPath, 'utf8');
  }

  /** Writes certificate and key for localhost and 127.0.0.1 to these paths. */
  issue(certificate: string, key: string, days = 20): void {
    const [request, extensions] = [join(this.#dir, `request-${(this.#count += 1)}.pem`), join(this.#dir, 'leaf.cnf')];
    writeFileSync(extensions, `${LEAF}DNS:localhost,IP:127.0.0.1\n`);
    openssl(['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/', '-keyout', key, '-out', request]);
    const issued = ['x509', '-req', '-in', request, '-CA', this.certPath, '-CAkey', this.#keyPath, '-CAcreateserial', '-days', String(days), '-extfile', extensions, '-out', certificate];
    openssl(issued);
  }
}

function openssl(args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args);
  if (status !== 0) throw new Error(`openssl ${args[0] ?? ''}: ${stderr.toString()}`);
}
