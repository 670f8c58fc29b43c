// What is wrong with a roster statement or a chain of them.

/** `fork` and `rollback` are proof against whoever presented the chain; the others say which rule a statement breaks. */
export type RosterErrorCode =
  | 'malformed'
  | 'foreign_space'
  | 'not_anchored'
  | 'signature'
  | 'signer'
  | 'version'
  | 'previous'
  | 'former_missing'
  | 'former_changed'
  | 'former_returned'
  | 'write_lost'
  | 'key_epoch'
  | 'root_hpke'
  | 'chain_length'
  | 'fork'
  | 'rollback';

/** A roster statement or chain that does not hold; `code` names the broken rule. */
export class RosterError extends Error {
  readonly code: RosterErrorCode;

  constructor(code: RosterErrorCode, detail: string, options?: ErrorOptions) {
    super(`${code}: ${detail}`, options);
    this.name = 'RosterError';
    this.code = code;
  }
}
