// What the devices of the space call themselves: each says it in an entry of its own kind, sealed like all others. The newest word of a device holds.
import { toHex } from '../../protocol/hex.js';
import { deviceOf } from '../../protocol/roster.js';
import type { Roster } from '../../protocol/roster.js';
import { ClientError } from '../client-error.js';
import { DEVICE_NAMES_MAX, DEVICE_NAME_CHARS_MAX } from '../limits.js';

/** Of UTF-8, at four bytes for a character. */
const NAME_BYTES = 4 * DEVICE_NAME_CHARS_MAX;

/** A device, and what it calls itself. */
export interface DeviceName {
  readonly device: Uint8Array;
  readonly name: string;
}

export class DeviceNames {
  readonly #names = new Map<string, DeviceName>();

  constructor(names: readonly DeviceName[] = []) {
    for (const { device, name } of names) this.note(device, name);
  }

  of(device: Uint8Array): string | null {
    return this.#names.get(toHex(device))?.name ?? null;
  }

  list(): readonly DeviceName[] {
    return [...this.#names.values()];
  }

  /** Takes the word of a device; whether it was news. A name that is longer than allowed is cut. */
  note(device: Uint8Array, text: string): boolean {
    const name = tidied(text);
    const key = toHex(device);
    if (name === '' || this.#names.get(key)?.name === name) return false;
    if (!this.#names.has(key) && this.#names.size >= DEVICE_NAMES_MAX) return false;
    this.#names.set(key, { device: device.slice(), name });
    return true;
  }

  /** Forgets the names of devices that left. */
  keep(roster: Roster): void {
    for (const [key, { device }] of this.#names) if (deviceOf(roster, device) === undefined) this.#names.delete(key);
  }
}

/** The item of an entry: UTF-8, and zeros up to the length that the longest name has, so that its size tells the relay nothing. */
export function encodeName(name: string): Uint8Array {
  const item = new Uint8Array(NAME_BYTES);
  new TextEncoder().encodeInto(name, item);
  return item;
}

export function decodeName(item: Uint8Array): string {
  return new TextDecoder().decode(item.subarray(0, item.findLastIndex((byte) => byte !== 0) + 1));
}

/** A name as it may be told. Throws `bad_option`. */
export function checkedName(text: string): string {
  const name = tidied(text);
  if (name === '' || [...text.trim()].length > DEVICE_NAME_CHARS_MAX) throw new ClientError('bad_option', `the name of a device has from 1 to ${DEVICE_NAME_CHARS_MAX} characters`);
  return name;
}

function tidied(text: string): string {
  return [...text.replaceAll(/\p{Cc}+/gu, ' ').trim()].slice(0, DEVICE_NAME_CHARS_MAX).join('');
}
