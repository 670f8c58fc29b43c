// Why sealed bytes were not opened. Opening fails closed: there is no partial result.

/** Which check failed, in the order they are made. */
export type SealErrorCode =
  | 'layout'
  | 'suite'
  | 'size'
  | 'commitment'
  | 'header'
  | 'content_hash'
  | 'signature'
  | 'content'
  | 'padding'
  | 'live_layout'
  | 'keyring_layout'
  | 'keyring_hash'
  | 'keyring_slots'
  | 'keyring_slot'
  | 'keyring_history'
  | 'keyring_conflict'
  | 'device_secret';

/** Sealed bytes that do not hold; whoever made or carried them is at fault, and trying again does not help. */
export class SealError extends Error {
  readonly code: SealErrorCode;
  readonly temporary = false;

  constructor(code: SealErrorCode, detail: string, options?: ErrorOptions) {
    super(`${code}: ${detail}`, options);
    this.name = 'SealError';
    this.code = code;
  }
}
