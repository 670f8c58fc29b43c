// The registered passkeys: public keys and counters, in a file of the data directory. A lost file means registering again.
import { RelayError } from '../../errors.js';
import { adminDir, readPrivate, writePrivate } from './private-file.js';

const NAME = 'passkeys.json';
export const PASSKEYS_MAX = 16;
export const LABEL_CHARS_MAX = 60;

export interface Passkey {
  /** Credential id, base64url. */
  readonly id: string;
  /** COSE key, base64url. */
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: readonly string[];
  /** What the operator calls it. */
  readonly label: string;
  /** Host name it was made for. */
  readonly rpId: string;
  readonly createdAtMs: number;
  readonly usedAtMs: number | null;
}

export class PasskeyStore {
  readonly #dir: string;
  #passkeys: readonly Passkey[];
  #last: Promise<unknown> = Promise.resolve();

  private constructor(dataDir: string, passkeys: readonly Passkey[]) {
    this.#dir = adminDir(dataDir);
    this.#passkeys = passkeys;
  }

  static async open(dataDir: string): Promise<PasskeyStore> {
    const text = await readPrivate(adminDir(dataDir), NAME);
    return new PasskeyStore(dataDir, text === null ? [] : parse(text));
  }

  get all(): readonly Passkey[] {
    return this.#passkeys;
  }

  find(id: string): Passkey | null {
    return this.#passkeys.find((passkey) => passkey.id === id) ?? null;
  }

  /** Resolves once it is on disk. */
  async add(passkey: Passkey): Promise<void> {
    await this.#change((passkeys) => {
      if (passkeys.length >= PASSKEYS_MAX) throw new RelayError('too_many_passkeys', `there are ${PASSKEYS_MAX} passkeys already`, { hint: 'Remove one first.' });
      return [...passkeys.filter(({ id }) => id !== passkey.id), passkey];
    });
  }

  /** Notes a use, with the counter that shows a copied key. */
  async used(id: string, counter: number, nowMs: number): Promise<void> {
    await this.#change((passkeys) => passkeys.map((passkey) => (passkey.id === id ? { ...passkey, counter, usedAtMs: nowMs } : passkey)));
  }

  /** Whether it was there. */
  async remove(id: string): Promise<boolean> {
    const wasThere = this.find(id) !== null;
    await this.#change((passkeys) => passkeys.filter((passkey) => passkey.id !== id));
    return wasThere;
  }

  /** One change after the other; what is in memory is what is on disk. */
  async #change(change: (passkeys: readonly Passkey[]) => readonly Passkey[]): Promise<void> {
    const changed = this.#last.then(async () => {
      const next = change(this.#passkeys);
      await writePrivate(this.#dir, NAME, `${JSON.stringify({ version: 1, passkeys: next }, null, 2)}\n`);
      this.#passkeys = next;
    });
    this.#last = changed.catch(() => undefined);
    await changed;
  }
}

function parse(text: string): readonly Passkey[] {
  try {
    const read: { passkeys: unknown } = JSON.parse(text);
    if (!Array.isArray(read.passkeys)) throw new TypeError('no list of passkeys');
    return read.passkeys.slice(0, PASSKEYS_MAX).map(asPasskey);
  } catch (cause) {
    throw new RelayError('passkeys_unusable', `the file ${NAME} of the data directory is not one of passkeys`, { hint: 'Remove it and register again, with a link of `relay admin-link`.', cause });
  }
}

function asPasskey(value: unknown): Passkey {
  const { id, publicKey, counter, transports, label, rpId, createdAtMs, usedAtMs } = Object(value) as Record<string, unknown>;
  if (typeof id !== 'string' || typeof publicKey !== 'string' || typeof counter !== 'number' || typeof rpId !== 'string') throw new TypeError('no passkey');
  return {
    id,
    publicKey,
    counter,
    transports: Array.isArray(transports) ? transports.filter((entry) => typeof entry === 'string') : [],
    label: typeof label === 'string' ? label.slice(0, LABEL_CHARS_MAX) : 'passkey',
    rpId,
    createdAtMs: typeof createdAtMs === 'number' ? createdAtMs : 0,
    usedAtMs: typeof usedAtMs === 'number' ? usedAtMs : null,
  };
}
