// The addon that is built cannot open anything: no cipher is linked into it, none is imported by it, none is in what it is
// built from. Hashes, signatures and MACs are all the cryptography a relay needs.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const addon = readdirSync(ROOT).find((name) => name.endsWith('.node'));

/** Names under which a cipher shows: crates, C libraries, their functions. */
const CIPHER_NAMES = /aes[-_]?gcm|chacha20|poly1305|xsalsa|secretbox|crypto_aead|EVP_(Decrypt|Open|AEAD)|ring[-_]core|aws[-_]lc|openssl|libsodium|\bhpke\b/i;
const CIPHER_CRATES = /^(aead|aes|aes-gcm|aes-gcm-siv|ascon|aws-lc-rs|block-modes|cbc|chacha20|chacha20poly1305|cipher|crypto_box|crypto_secretbox|ctr|eax|ghash|hpke|openssl|orion|poly1305|polyval|ring|salsa20|sodiumoxide|xsalsa20poly1305)$/;
/** What every software or hardware cipher carries: the AES S-box, the constant of ChaCha and Salsa, the instructions of AES-NI. */
const CIPHER_BYTES = {
  'AES S-box': Buffer.from('637c777bf26b6fc53001672bfed7ab76', 'hex'),
  'inverse AES S-box': Buffer.from('52096ad53036a538bf40a39e81f3d7fb', 'hex'),
  'ChaCha constant': Buffer.from('expand 32-byte k'),
};

function ciphersIn(binary: Buffer): string[] {
  const bytes = Object.entries(CIPHER_BYTES).filter(([, mark]) => binary.includes(mark));
  const names = CIPHER_NAMES.exec(binary.toString('latin1'))?.[0];
  return [...bytes.map(([name]) => name), ...(names === undefined ? [] : [names])];
}

describe.skipIf(addon === undefined)('the addon (skipped unless it is built)', () => {
  const binary = readFileSync(join(ROOT, addon ?? ''));

  test('holds no cipher and imports none', () => {
    // Names of crates are in it, in the places where it can panic, so a cipher's would be.
    expect(binary.toString('latin1')).toMatch(/hyper-\d/);
    expect(ciphersIn(binary)).toEqual([]);
  });

  test('control: a binary with a cipher is recognised, by name and by constant', () => {
    const node = readFileSync(process.execPath);
    expect(ciphersIn(node)).toEqual(expect.arrayContaining(['ChaCha constant', 'AES S-box']));
    for (const mark of [...Object.values(CIPHER_BYTES), Buffer.from('registry/src/aes-gcm-0.11.1/src/lib.rs'), Buffer.from('EVP_DecryptInit_ex')]) {
      expect(ciphersIn(Buffer.concat([binary, mark]))).toHaveLength(1);
    }
  });
});

const cargo = existsSync(join(ROOT, 'Cargo.lock')) && commandWorks('cargo');

describe.skipIf(!cargo)('what the addon is built from (skipped without cargo)', () => {
  const crates = (kinds: string): string[] =>
    execFileSync('cargo', ['tree', '--locked', '--offline', '-p', 'relay-node', '-e', kinds, '--prefix', 'none'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')
      .map((line) => line.split(' ')[0] ?? '');

  test('holds no crate of a cipher', () => {
    const linked = crates('normal,build');
    expect(linked).toContain('ed25519-dalek');
    expect(linked.filter((name) => CIPHER_CRATES.test(name))).toEqual([]);
  });

  test('control: the ciphers of the tests of relay-proto are recognised', () => {
    const tested = execFileSync('cargo', ['tree', '--locked', '--offline', '-p', 'relay-proto', '-e', 'normal,dev', '--prefix', 'none'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    expect(tested.split('\n').filter((line) => CIPHER_CRATES.test(line.split(' ')[0] ?? '')).length).toBeGreaterThan(0);
  });
});

function commandWorks(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
