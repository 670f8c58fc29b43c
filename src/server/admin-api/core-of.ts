// The running core as routes ask for it, and its errors as HTTP statuses.
import { RelayError } from '../../errors.js';
import type { RelayPort } from '../../native/relay-port.js';

export type ReadCore = () => RelayPort | null;

/** Statuses of errors that are the caller's, or that time heals. */
const STATUS: Readonly<Record<string, number>> = { space_unknown: 404, tenant_unknown: 404, stopped: 503, starting: 503, erase_unfinished: 503 };

/** Asks the core; an error of it carries its status. */
export async function askCore<T>(core: ReadCore, ask: (port: RelayPort) => Promise<T>): Promise<T> {
  const port = core();
  if (port === null) throw new RelayError('starting', 'the relay is starting', { temporary: true });
  try {
    return await ask(port);
  } catch (error) {
    if (error instanceof RelayError && STATUS[error.code] !== undefined) throw Object.assign(new Error(`${error.message}.`, { cause: error }), { statusCode: STATUS[error.code], code: error.code });
    throw error;
  }
}
