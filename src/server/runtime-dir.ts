// A private place for the socket between core and control plane: a fresh directory that only this user can enter, and a
// secret of this boot on top. Windows has named pipes instead.
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RelayError } from '../errors.js';

/** Longest socket path that every supported system takes, in bytes. */
const SOCKET_PATH_BYTES_MAX = 100;
const SECRET_BYTES = 32;

export interface PrivateSocket {
  readonly socketPath: string;
  readonly secret: string;
  readonly remove: () => Promise<void>;
}

export async function makePrivateSocket(parent: string = tmpdir()): Promise<PrivateSocket> {
  const secret = randomBytes(SECRET_BYTES).toString('hex');
  if (process.platform === 'win32') {
    return { socketPath: `\\\\.\\pipe\\sealrelay-${randomBytes(16).toString('hex')}`, secret, remove: async () => undefined };
  }
  const dir = await makeDir(parent);
  const socketPath = join(dir, 'control.sock');
  if (Buffer.byteLength(socketPath) > SOCKET_PATH_BYTES_MAX) {
    await rm(dir, { recursive: true, force: true });
    throw new RelayError('runtime_dir_unusable', `the socket path ${socketPath} is longer than ${SOCKET_PATH_BYTES_MAX} bytes`, {
      hint: 'Set TMPDIR to a directory with a shorter path.',
    });
  }
  return { socketPath, secret, remove: () => rm(dir, { recursive: true, force: true }) };
}

async function makeDir(parent: string): Promise<string> {
  try {
    const dir = await mkdtemp(join(parent, 'sealrelay-'));
    await chmod(dir, 0o700);
    return dir;
  } catch (cause) {
    throw new RelayError('runtime_dir_unusable', `cannot make a private directory in ${parent}`, {
      hint: 'Set TMPDIR to a directory this user can write to.',
      cause,
    });
  }
}
