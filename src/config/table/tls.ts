// Options of TLS on the public port: a certificate in files, or one that the relay obtains itself.
import { fixed, type OptionSpec } from './option-spec.js';

const YEAR_DAYS = 365;
const DAY_MS = 86_400_000;

export const TLS = {
  'tls.cert': {
    ...fixed,
    group: 'tls',
    type: 'path-or-off',
    isFile: true,
    default: null,
    doc: 'PEM file of the certificate and the intermediate ones. With `tls.key` it turns TLS 1.3 on. The files are looked at every 10 s; new ones are served without a restart.',
  },
  'tls.key': {
    ...fixed,
    group: 'tls',
    type: 'path-or-off',
    isFile: true,
    default: null,
    doc: 'PEM file of the key of `tls.cert`, not encrypted.',
  },
  'tls.hsts': {
    ...fixed,
    group: 'tls',
    type: 'duration',
    default: YEAR_DAYS * DAY_MS,
    min: 0,
    max: 10 * YEAR_DAYS * DAY_MS,
    doc: 'How long browsers are to insist on HTTPS once they were here (Strict-Transport-Security); `0ms` does not say so.',
  },
  'tls.redirect-port': {
    ...fixed,
    group: 'tls',
    type: 'port-or-off',
    default: null,
    doc: 'Port on which plain HTTP is answered with its address over HTTPS (status 308); `off` opens none.',
  },
  'acme.domains': {
    ...fixed,
    group: 'tls',
    type: 'text-or-off',
    default: null,
    doc: 'Domains, separated by commas, for which the relay obtains and renews a certificate by ACME, which turns TLS 1.3 on. Port 443 of each must lead to `port`. Using it agrees to the terms of the authority.',
  },
  'acme.email': {
    ...fixed,
    group: 'tls',
    type: 'text-or-off',
    default: null,
    doc: 'Where the authority may write to about the account.',
  },
  'acme.directory': {
    ...fixed,
    group: 'tls',
    type: 'text',
    default: 'https://acme-v02.api.letsencrypt.org/directory',
    doc: 'Address of the directory of the authority.',
  },
  'acme.ca': {
    ...fixed,
    group: 'tls',
    type: 'path-or-off',
    isFile: true,
    default: null,
    doc: 'PEM file of the root that the HTTPS of a private authority is checked against; `off` trusts the roots of the system.',
  },
} as const satisfies Record<string, OptionSpec>;
