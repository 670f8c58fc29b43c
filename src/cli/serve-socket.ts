// A relay that was handed its listening socket: `host` and `port` are those of the socket, whatever is configured, so that everything that
// is decided by them (what is refused without TLS, which protocols are open, whether there is a demo) is decided by where it is reached.
import type { ConfigFlags } from '../config/load.js';
import type { Found } from '../config/finding.js';
import { RelayError } from '../errors.js';
import { listeningAddress, type ListeningAddress } from '../server/lifecycle/handed-socket.js';

const ORIGIN = { label: 'socket of the service manager', place: null };

/** The flags with what the socket says; as they are without one. */
export function withHandedSocket(given: ConfigFlags, fd: number | null, addressOf: (fd: number) => ListeningAddress | null = listeningAddress): ConfigFlags {
  if (fd === null) return given;
  const address = addressOf(fd);
  if (address === null) {
    throw new RelayError('listen_failed', 'it cannot be found out where the socket listens that the service manager handed over', { hint: 'Hand over one TCP socket; the system has to have /proc.' });
  }
  const text = (value: string): Found => ({ text: value, origin: ORIGIN });
  return { ...given, found: new Map([...given.found, ['host', text(address.host)], ['port', text(String(address.port))]]) };
}
