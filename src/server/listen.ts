// Opens a listener of the control plane and turns the system's refusals into errors that name the fix.
import type { AddressInfo } from 'node:net';
import { RelayError } from '../errors.js';
import type { App } from './fastify.js';

/** Listens on an address and returns the one really taken. */
export async function listenOn(app: App, host: string, port: number, flag: string): Promise<AddressInfo> {
  try {
    await app.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port });
  } catch (cause) {
    throw listenError(cause, host, port, flag);
  }
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new RelayError('internal', 'the listener has no address');
  return address;
}

function listenError(cause: unknown, host: string, port: number, flag: string): RelayError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const where = `${host}:${port}`;
  if (code === 'EADDRINUSE') {
    return new RelayError('port_in_use', `cannot listen on ${where}: the port is taken`, {
      temporary: true,
      hint: `Stop the program that uses it, or choose another port with ${flag}.`,
      cause,
    });
  }
  return new RelayError('listen_failed', `cannot listen on ${where}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    hint: `Choose another address or port with ${flag}.`,
    cause,
  });
}
