// `relay serve example.org`: the domains turn on TLS with a certificate that the relay obtains itself, and what is not said
// otherwise becomes what a server on the open network needs.
import { networkInterfaces } from 'node:os';
import type { ConfigFlags } from '../config/load.js';
import type { Found } from '../config/finding.js';
import type { ReadFlags } from '../config/flags.js';
import type { OptionKey } from '../config/options.js';
import { isFileName } from '../config/tls.js';
import { RelayError } from '../errors.js';

const HTTPS_PORT = '443';
const HTTP_PORT = '80';

/** The flags with what the operands stand for; nothing is added without operands. */
export function withDomains(given: ReadFlags, allAddresses: () => string = everyAddress): ConfigFlags {
  const { operands, found, switches } = given;
  if (operands.length === 0) return given;
  const file = operands.find(isFileName);
  if (file !== undefined) throw new RelayError('config_invalid', `"${file}" is a file, and what stands behind \`relay serve\` are domains`, { hint: `Write --config ${file}.` });
  if (found.has('acme.domains')) {
    throw new RelayError('config_invalid', 'the domains are given twice', { hint: 'Name them behind `relay serve`, or with --acme.domains.' });
  }
  const origin = { label: `domain ${operands.join(' ')}`, place: null };
  const text = (value: string): Found => ({ text: value, origin });
  const implied = new Map<OptionKey, Found>([
    ['host', text(allAddresses())],
    ['port', text(HTTPS_PORT)],
    ['tls.redirect-port', text(HTTP_PORT)],
  ]);
  return { found: new Map([...found, ['acme.domains', text(operands.join(','))]]), switches, implied };
}

/** `::` takes IPv4 as well; it cannot be had where IPv6 is turned off. */
function everyAddress(): string {
  const hasV6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6') === true);
  return hasV6 ? '::' : '0.0.0.0';
}
