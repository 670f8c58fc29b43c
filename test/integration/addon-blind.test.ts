// The addon that is built cannot open anything: the only ciphers in it are those of TLS, below the transport, and nothing that touches what devices
// write depends on them. Hashes, signatures and MACs are all the cryptography the rest of a relay needs.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const addon = readdirSync(ROOT).find((name) => name.endsWith('.node'));

/** Names under which a cipher shows that is not the one of TLS: crates, C libraries, their functions. */
const CIPHER_NAMES = /\baes[-_]gcm-\d|chacha20(poly1305)?-\d|xsalsa|secretbox|crypto_aead|EVP_(Decrypt|Open|AEAD)|aws[-_]lc|openssl[-_]sys|libssl|libcrypto|libsodium|\bhpke\b/i;
const CIPHER_CRATES = /^(aead|aes|aes-gcm|aes-gcm-siv|ascon|aws-lc-rs|block-modes|cbc|chacha20|chacha20poly1305|cipher|crypto_box|crypto_secretbox|ctr|eax|ghash|hpke|openssl|orion|poly1305|polyval|ring|salsa20|sodiumoxide|xsalsa20poly1305)$/;
/** What TLS is built on, and who may depend on it. */
const TLS_CIPHERS = 'ring';
const TLS_CRATES = ['relay-acme', 'relay-net'];
/** Verifies signatures with it. */
const SIGNATURES_ONLY = 'relay-compat';
/** Who holds, orders and stores what devices write. */
const BLIND_CRATES = ['relay-core', 'relay-proto', 'relay-store'];
/** How code would use a cipher of ring or rustls directly. */
const CIPHER_USE = /\baead::|\bopen_in_place\b|\bseal_in_place|\bLessSafeKey\b|\bOpeningKey\b|\bUnboundKey\b/;

function cipherIn(binary: Buffer): string | null {
  return CIPHER_NAMES.exec(binary.toString('latin1'))?.[0] ?? null;
}

describe.skipIf(addon === undefined)('the addon (skipped unless it is built)', () => {
  const binary = readFileSync(join(ROOT, addon ?? ''));

  test('holds no cipher but that of TLS, and imports none', () => {
    // Names of crates are in it, in the places where it can panic, so a cipher's would be.
    expect(binary.toString('latin1')).toMatch(/hyper-\d/);
    expect(cipherIn(binary)).toBeNull();
  });

  test('control: a binary with another cipher is recognised', () => {
    for (const mark of ['registry/src/aes-gcm-0.11.1/src/lib.rs', 'registry/src/chacha20poly1305-0.11.0/src/lib.rs', 'EVP_DecryptInit_ex', 'libsodium.so']) {
      expect(cipherIn(Buffer.concat([binary, Buffer.from(mark)]))).not.toBeNull();
    }
  });
});

const cargo = existsSync(join(ROOT, 'Cargo.lock')) && commandWorks('cargo');

describe.skipIf(!cargo)('what the addon is built from (skipped without cargo)', () => {
  const crates = (name: string, kinds: string): string[] =>
    execFileSync('cargo', ['tree', '--locked', '--offline', '-p', name, '-e', kinds, '--prefix', 'none'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')
      .map((line) => line.split(' ')[0] ?? '');
  const ciphers = (name: string, kinds = 'normal,build'): string[] => [...new Set(crates(name, kinds).filter((crate) => CIPHER_CRATES.test(crate)))];

  test('holds one crate with ciphers, that of TLS', () => {
    expect(crates('relay-node', 'normal,build')).toContain('ed25519-dalek');
    expect(ciphers('relay-node')).toEqual([TLS_CIPHERS]);
  });

  test.each(BLIND_CRATES)('%s, through which all that devices write goes, depends on none', (name) => {
    expect(ciphers(name)).toEqual([]);
  });

  test('only the transport depends on TLS, and one crate on the signatures beside it', () => {
    const own = readdirSync(join(ROOT, 'crates')).filter((name) => name !== 'relay-node');
    expect(own.filter((name) => ciphers(name).length > 0).toSorted()).toEqual([...TLS_CRATES, SIGNATURES_ONLY].toSorted());
    expect(crates(SIGNATURES_ONLY, 'normal,build')).not.toContain('rustls');
  });

  test('control: the ciphers of the tests of relay-proto are recognised', () => {
    expect(ciphers('relay-proto', 'normal,dev').length).toBeGreaterThan(0);
  });
});

describe('the source of the core', () => {
  const sources = readdirSync(join(ROOT, 'crates'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.rs') && path.includes('/src/'));

  test('uses no cipher by itself', () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.filter((path) => CIPHER_USE.test(readFileSync(join(ROOT, 'crates', path), 'utf8')))).toEqual([]);
  });

  test('control: code that did would be found', () => {
    for (const line of ['use ring::aead::{Aad, LessSafeKey};', 'let plain = key.open_in_place(nonce, aad, &mut bytes)?;']) expect(CIPHER_USE.test(line)).toBe(true);
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
