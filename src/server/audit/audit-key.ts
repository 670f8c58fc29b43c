// The key that signs the audit log: made with the first line, readable by this user only, and needed as long as there is a log.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RelayError } from '../../errors.js';
import { isMissing } from '../file-errors.js';
import { syncDirectory } from '../sync-directory.js';

const KEY_FILE = 'key';
const OWNER_ONLY = 0o600;

/** Reads the key; makes one only where there is no log yet. */
export async function takeAuditKey(dir: string, hasLines: boolean): Promise<KeyObject> {
  const path = join(dir, KEY_FILE);
  const found = await readKey(path);
  if (found !== null) return found;
  if (hasLines) {
    throw new RelayError('audit_unusable', `${path} is missing or no key although there is an audit log`, {
      hint: 'Put it back from a backup, or move the directory `audit` away: a new log then begins.',
    });
  }
  const { privateKey } = generateKeyPairSync('ed25519');
  const file = await open(path, 'w', OWNER_ONLY);
  try {
    await file.writeFile(privateKey.export({ format: 'pem', type: 'pkcs8' }));
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(dir);
  return privateKey;
}

/** The public half, or null where there is no key. */
export async function readAuditPublicKey(dir: string): Promise<KeyObject | null> {
  const key = await readKey(join(dir, KEY_FILE));
  return key === null ? null : createPublicKey(key);
}

/** A public key from its 43 characters, or null. */
export function parsePublicKey(text: string): KeyObject | null {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return null;
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text }, format: 'jwk' });
}

async function readKey(path: string): Promise<KeyObject | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  try {
    return createPrivateKey(text);
  } catch {
    return null;
  }
}
