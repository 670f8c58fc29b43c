// Bodies of requests and answers. What a relay sends is not believed to be well-formed.
import { ClientError } from '../client-error.js';

/** The version of the protocol, in every body. */
export const SYNC_PROTOCOL_VERSION = '1.0.0';

/** Counters by device. */
export type VersionVector = Record<string, number>;

/** One change of one entity. */
export interface SyncChange {
  id: string;
  entity_type: string;
  entity_id: string;
  operation: string;
  encrypted_payload: string;
  version_vector: VersionVector;
  timestamp: number;
  /** The device it comes from; always there in what is pulled. */
  device_id?: string;
}

export interface SyncPushRequest<Change = SyncChange> {
  protocol_version: string;
  device_id: string;
  timestamp: number;
  changes: Change[];
}

export interface SyncPushResponse {
  protocol_version: string;
  /** Whether everything that was given is stored. */
  success: boolean;
  accepted: string[];
  rejected: { id: string; reason: string }[];
  timestamp: number;
}

export interface SyncPullRequest {
  protocol_version: string;
  device_id: string;
  since_timestamp: number;
  sync_vector: VersionVector;
}

export interface SyncPullResponse<Change = SyncChange> {
  protocol_version: string;
  changes: Change[];
  has_more: boolean;
  timestamp: number;
}

/** Says that a device holds changes. */
export interface SyncAckMessage {
  protocol_version: string;
  device_id: string;
  acknowledged_ids: string[];
  timestamp: number;
}

/** A pull as the relay takes it: with its own cursor instead of times. */
export interface CursorPullRequest extends SyncPullRequest {
  cursor?: string;
}

/** A page with the relay's cursor behind it; relays of the original have none. */
export interface CursorPullResponse extends SyncPullResponse {
  cursor?: string;
}

/** What `/health` says. */
export interface RelayHealth {
  readonly status: 'ok' | 'degraded' | 'error';
  readonly timestamp: number;
  readonly region: string;
}

type Fields = ReadonlyMap<string, unknown>;

/** The answer to a push. */
export function parsePushAnswer(answer: unknown): SyncPushResponse {
  const fields = versioned(answer);
  const [success, accepted, rejected, timestamp] = ['success', 'accepted', 'rejected', 'timestamp'].map((name) => fields.get(name));
  if (typeof success !== 'boolean' || !isTexts(accepted) || !Array.isArray(rejected) || typeof timestamp !== 'number') throw malformed('a push');
  return { protocol_version: SYNC_PROTOCOL_VERSION, success, accepted, rejected: rejected.map(parseRejection), timestamp };
}

/** The answer to a pull. */
export function parsePullAnswer(answer: unknown): CursorPullResponse {
  const fields = versioned(answer);
  const [changes, has_more, timestamp, cursor] = ['changes', 'has_more', 'timestamp', 'cursor'].map((name) => fields.get(name));
  if (!Array.isArray(changes) || typeof has_more !== 'boolean' || typeof timestamp !== 'number') throw malformed('a pull');
  const page = { protocol_version: SYNC_PROTOCOL_VERSION, changes: changes.map(parseChange), has_more, timestamp };
  return typeof cursor === 'string' ? { ...page, cursor } : page;
}

/** The answer of `/health`. */
export function parseHealth(answer: unknown): RelayHealth {
  const fields = fieldsOf(answer);
  const status = (['ok', 'degraded', 'error'] as const).find((known) => known === fields.get('status'));
  const [timestamp, region] = [fields.get('timestamp'), fields.get('region')];
  if (status === undefined || typeof timestamp !== 'number') throw malformed('a question for health');
  return { status, timestamp, region: typeof region === 'string' ? region : '' };
}

/** Whether it has every field of a change, of the right kind. */
export function isChange(value: unknown): value is SyncChange {
  const fields = fieldsOf(value);
  const texts = ['id', 'entity_type', 'entity_id', 'operation', 'encrypted_payload'].every((name) => typeof fields.get(name) === 'string');
  const vector = fields.get('version_vector');
  const device = fields.get('device_id');
  return texts && typeof vector === 'object' && vector !== null && !Array.isArray(vector) && Number.isFinite(fields.get('timestamp')) && (device === undefined || typeof device === 'string');
}

/** The fields of an object; none when it is no object. */
export function fieldsOf(value: unknown): Fields {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

/** What a relay sent cannot be used; another one, or the same a little later, may do better. */
export function malformed(what: string): ClientError {
  return new ClientError('relay_misbehaved', `the relay answered ${what} with something else`, { temporary: true, hint: 'Is the address that of a relay which speaks this protocol?' });
}

function versioned(answer: unknown): Fields {
  const fields = fieldsOf(answer);
  const version = fields.get('protocol_version');
  if (typeof version !== 'string' || version.split('.')[0] !== SYNC_PROTOCOL_VERSION.split('.')[0]) throw malformed('in a version that is not spoken here');
  return fields;
}

function parseChange(value: unknown): SyncChange {
  if (!isChange(value)) throw malformed('a pull');
  return value;
}

function parseRejection(value: unknown): { id: string; reason: string } {
  const fields = fieldsOf(value);
  const [id, reason] = [fields.get('id'), fields.get('reason')];
  if (typeof id !== 'string' || typeof reason !== 'string') throw malformed('a push');
  return { id, reason };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
