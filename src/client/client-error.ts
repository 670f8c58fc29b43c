// The one error class of the SDK: a stable code, whether trying again can help, and what to do.

/** Codes an app may branch on; the others are the relay's, from the error registry. */
export type ClientErrorCode =
  | 'insecure_context'
  | 'unsupported_platform'
  | 'no_websocket'
  | 'bad_address'
  | 'bad_link'
  | 'bad_option'
  | 'bad_head'
  | 'relay_key_mismatch'
  | 'relay_identity'
  | 'relay_misbehaved'
  | 'relay_refused'
  | 'relay_unreachable'
  | 'request_timeout'
  | 'closed'
  | 'offline'
  | 'outbox_full'
  | 'item_too_large'
  | 'read_only'
  | 'not_admin'
  | 'unknown_device'
  | 'roster_conflict'
  | 'roster_pin_mismatch'
  | 'snapshot_handler_missing'
  | 'snapshot_rejected'
  | 'state_damaged'
  | 'storage_failed'
  | 'storage_full'
  | 'storage_in_use'
  | 'removed'
  | 'blob_rejected'
  | 'blob_key_unknown'
  | 'content_changed'
  | 'regions_unavailable'
  | 'unknown_region'
  | 'region_busy'
  | 'region_unreachable'
  | 'carried_too_little'
  | 'part_missing'
  | (string & Record<never, never>);

export interface ClientErrorOptions {
  /** True when the same call may succeed later without a change. */
  readonly temporary?: boolean;
  /** One sentence for the person who can fix it. */
  readonly hint?: string | null;
  readonly cause?: unknown;
}

/** What every call of the SDK rejects with. The message never holds a secret. */
export class ClientError extends Error {
  readonly code: ClientErrorCode;
  readonly temporary: boolean;
  readonly hint: string | null;

  constructor(code: ClientErrorCode, message: string, options: ClientErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ClientError';
    this.code = code;
    this.temporary = options.temporary ?? false;
    this.hint = options.hint ?? null;
  }
}
