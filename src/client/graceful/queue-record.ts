// Records of the queue's journal: JSON of what is sealed, of tokens, relays and cursors; nothing of what the app said.
import { ClientError } from '../client-error.js';
import type { Mark } from './pull-marks.js';
import { fieldsOf, isChange } from './wire.js';
import type { SyncChange } from './wire.js';

export type QueueRecord =
  | { readonly type: 'put'; readonly device: string; readonly changes: readonly SyncChange[] }
  | { readonly type: 'stored'; readonly endpoint: string; readonly ids: readonly string[] }
  | { readonly type: 'gone'; readonly ids: readonly string[] }
  | { readonly type: 'marks'; readonly marks: readonly Mark[] };

export function encodeRecord(record: QueueRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(record));
}

/** Throws `state_damaged`: what cannot be read must not be taken for nothing. */
export function decodeRecord(bytes: Uint8Array): QueueRecord {
  try {
    const record: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isRecord(record)) return record;
  } catch (cause) {
    throw damaged(cause);
  }
  throw damaged();
}

function isRecord(value: unknown): value is QueueRecord {
  const fields = fieldsOf(value);
  const ids = fields.get('ids');
  const areIds = Array.isArray(ids) && ids.every((id) => typeof id === 'string');
  switch (fields.get('type')) {
    case 'put': {
      const changes = fields.get('changes');
      return typeof fields.get('device') === 'string' && Array.isArray(changes) && changes.every(isChange);
    }
    case 'stored':
      return typeof fields.get('endpoint') === 'string' && areIds;
    case 'gone':
      return areIds;
    case 'marks': {
      const marks = fields.get('marks');
      return Array.isArray(marks) && marks.every(isMark);
    }
    default:
      return false;
  }
}

function isMark(value: unknown): value is Mark {
  const fields = fieldsOf(value);
  return typeof fields.get('at') === 'number' && [...fieldsOf(fields.get('cursors')).values()].every((cursor) => typeof cursor === 'string');
}

function damaged(cause?: unknown): ClientError {
  return new ClientError('state_damaged', 'the stored queue cannot be read', { cause, hint: 'Was the journal written by another program?' });
}
