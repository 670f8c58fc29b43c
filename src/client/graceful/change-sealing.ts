/*
 * Changes as the relay gets them: everything but the time is a keyed token or sealed. The relay compares ids (a retry is stored once) and
 * devices (nobody gets back what is their own); entities only a strict relay compares, so their tokens differ from change to change
 * unless the app wants them to be comparable. Type, operation, version vector and the true ids are inside the sealed payload.
 */
import { fromBase64, toBase64 } from '../base64.js';
import { deriveForeignKeys, deriveForeignSecret, foreignToken, openRecord, sealRecord } from '../crypto/foreign-record.js';
import type { ForeignKeys } from '../crypto/foreign-record.js';
import { SealError } from '../crypto/seal-error.js';
import { parseSpaceLink } from '../../protocol/address.js';
import { CHANGE_BYTES_MAX, NAME_BYTES_MAX } from './limits.js';
import { optionError } from './sync-errors.js';
import { isChange } from './wire.js';
import type { SyncChange } from './wire.js';

const SYSTEM = 'graceful-books';
const FORMAT = 1;
/** What stands where the relay wants a word and none is its business. */
const OPAQUE = 'sealed';

/** Where the key comes from: 32 bytes of the app, or the link of a space. */
export type SyncKey = Uint8Array | string;

/** A change whose device is known, as the app's own or as another's. */
export interface OwnedChange extends SyncChange {
  device_id: string;
}

export class ChangeSealing {
  readonly #keys: ForeignKeys;
  readonly #comparesEntities: boolean;

  /** Throws `bad_option` for a key that is none, and AddressError for a link that is none. */
  constructor(key: SyncKey, comparesEntities: boolean) {
    const secret = typeof key === 'string' ? deriveForeignSecret(parseSpaceLink(key).rootSecret, SYSTEM) : key;
    if (secret.length !== 32) throw optionError('a key has 32 bytes');
    this.#keys = deriveForeignKeys(secret);
    this.#comparesEntities = comparesEntities;
  }

  /** Whether the relay may compare the entities of changes. */
  get comparesEntities(): boolean {
    return this.#comparesEntities;
  }

  /** The bearer token of all devices with this key. */
  get bearer(): string {
    return foreignToken(this.#keys, 'bearer', '');
  }

  idToken(id: string): string {
    return foreignToken(this.#keys, 'change', id);
  }

  deviceToken(device: string): string {
    return foreignToken(this.#keys, 'device', device);
  }

  /** The change as it goes to the relay; the same bytes for the same change. */
  async seal(change: OwnedChange): Promise<SyncChange> {
    const sealed = await sealRecord(this.#keys, encodeChange(change));
    const entity = this.#comparesEntities ? JSON.stringify([change.entity_type, change.entity_id]) : JSON.stringify([change.id]);
    return {
      id: this.idToken(change.id),
      entity_type: OPAQUE,
      entity_id: foreignToken(this.#keys, 'entity', entity),
      operation: OPAQUE,
      encrypted_payload: toBase64(sealed),
      version_vector: {},
      timestamp: change.timestamp,
    };
  }

  /** The change of its maker; throws SealError when it is not what the relay shows it as. */
  async open(shown: SyncChange): Promise<OwnedChange> {
    const sealed = fromBase64(shown.encrypted_payload);
    if (sealed === undefined) throw new SealError('layout', 'the payload is not base64');
    const change = decodeChange(await openRecord(this.#keys, sealed));
    const isShownRight = shown.id === this.idToken(change.id) && shown.timestamp === change.timestamp && (shown.device_id === undefined || shown.device_id === this.deviceToken(change.device_id));
    if (!isShownRight) throw new SealError('header', 'the relay shows the change as another one');
    return change;
  }
}

/** Why a change cannot be sent; null: it can. */
export function whyUnfit(change: unknown): string | null {
  if (!isChange(change) || change.id === '' || change.entity_type === '' || change.entity_id === '') return 'Missing required fields';
  if (utf8Bytes(change.id) > NAME_BYTES_MAX) return 'Invalid fields';
  if (change.encrypted_payload.length > CHANGE_BYTES_MAX || encodeChange({ device_id: '', ...change }).length > CHANGE_BYTES_MAX - NAME_BYTES_MAX) return 'Change too large';
  return null;
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** A list, so that the bytes do not depend on the order of an object's fields; but for those of the vector, which are put in order. */
function encodeChange(change: OwnedChange): Uint8Array {
  const vector = Object.entries(change.version_vector).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const { id, device_id, entity_type, entity_id, operation, timestamp, encrypted_payload } = change;
  return new TextEncoder().encode(JSON.stringify([FORMAT, id, device_id, entity_type, entity_id, operation, timestamp, vector, encrypted_payload]));
}

function decodeChange(bytes: Uint8Array): OwnedChange {
  try {
    const fields: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (!Array.isArray(fields) || fields[0] !== FORMAT) throw new SealError('layout', 'not a change of a format this client knows');
    const [, id, device_id, entity_type, entity_id, operation, timestamp, vector, encrypted_payload] = fields as unknown[];
    const change = { id, entity_type, entity_id, operation, encrypted_payload, version_vector: Object.fromEntries(vector as [string, number][]), timestamp, device_id };
    if (!isChange(change) || typeof device_id !== 'string') throw new SealError('layout', 'not a change');
    return { ...change, device_id };
  } catch (cause) {
    if (cause instanceof SealError) throw cause;
    throw new SealError('layout', 'not a change', { cause });
  }
}
