// What a pairing under way keeps over a reload of the page. It holds the code, so it is to be gone with it: `sessionStorage` is made for that.
import { fromBase64url, toBase64url } from '../../protocol/base64url.js';

/** One pairing under way. */
export interface PairingRecord {
  readonly role: 'offerer' | 'joiner';
  readonly relay: string;
  /** The six words. */
  readonly code: string;
  readonly seed: Uint8Array;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  /** The share that was answered: no other will be. */
  readonly answered: Uint8Array | null;
}

/** Keeps one pairing at a time; each call is durable when its promise resolves. */
export interface PairingStorage {
  load(): Promise<PairingRecord | null>;
  save(record: PairingRecord | null): Promise<void>;
}

/** Forgets with the process: a pairing does not outlive a reload. */
export class MemoryPairingStorage implements PairingStorage {
  #record: PairingRecord | null = null;

  async load(): Promise<PairingRecord | null> {
    return this.#record;
  }

  async save(record: PairingRecord | null): Promise<void> {
    this.#record = record;
  }
}

/** In `sessionStorage`, or what looks like it. What is damaged there counts as nothing. A storage that fails ends the pairing. */
export class WebPairingStorage implements PairingStorage {
  readonly #items: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  readonly #key: string;

  constructor(items: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>, key = 'sealrelay.pairing') {
    this.#items = items;
    this.#key = key;
  }

  async load(): Promise<PairingRecord | null> {
    return parsed(this.#items.getItem(this.#key));
  }

  async save(record: PairingRecord | null): Promise<void> {
    if (record === null) return this.#items.removeItem(this.#key);
    const answered = record.answered === null ? null : toBase64url(record.answered);
    this.#items.setItem(this.#key, JSON.stringify({ ...record, seed: toBase64url(record.seed), answered }));
  }
}

function parsed(text: string | null): PairingRecord | null {
  const kept = fields(text);
  const { role, relay, code, expiresAt } = kept;
  const seed = bytesOf(kept['seed']);
  const answered = kept['answered'] === null ? null : bytesOf(kept['answered']);
  const isRole = role === 'offerer' || role === 'joiner';
  if (!isRole || typeof relay !== 'string' || typeof code !== 'string' || typeof expiresAt !== 'number' || seed === undefined || answered === undefined) return null;
  return { role, relay, code, seed, expiresAt, answered };
}

function fields(text: string | null): Readonly<Record<string, unknown>> {
  try {
    const kept: unknown = JSON.parse(text ?? '{}');
    return typeof kept === 'object' && kept !== null ? { ...kept } : {};
  } catch {
    return {};
  }
}

function bytesOf(text: unknown): Uint8Array | undefined {
  const bytes = typeof text === 'string' ? fromBase64url(text) : undefined;
  return bytes?.length === 32 ? bytes : undefined;
}
