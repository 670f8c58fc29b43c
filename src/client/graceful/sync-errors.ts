// Errors that more than one part of this client throws.
import { ClientError } from '../client-error.js';

export function closedError(): ClientError {
  return new ClientError('closed', 'the client was closed');
}

export function optionError(what: string): ClientError {
  return new ClientError('bad_option', what);
}
