// What the options of TLS say together.
import type { Finding, Origin } from './finding.js';
import type { Config, OptionKey } from './options.js';
import { NO_PROXY } from './proxies.js';

/** Names of one certificate. */
export const DOMAINS_MAX = 100;
const DOMAIN_CHARS_MAX = 253;
/** A name such as relay.example.org. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** Endings of configuration files, none of which is a top-level domain. */
const FILE_NAME = /\.(?:ya?ml|toml|json)$/i;

/** Whether a text is the name of a configuration file; as a domain it would open the relay to the network. */
export function isFileName(text: string): boolean {
  return FILE_NAME.test(text) || text.includes('/') || text.includes('\\');
}

/** Whether a text may be the name of a host on the network. */
export function isDomain(text: string): boolean {
  return text.length <= DOMAIN_CHARS_MAX && DOMAIN.test(text) && !isFileName(text);
}

/** Whether clients speak TLS to the relay itself. */
export function isTlsOn(config: Config): boolean {
  return (config['tls.cert'] !== null && config['tls.key'] !== null) || config['acme.domains'] !== null;
}

/** The domains of `acme.domains`, in lower case. */
export function acmeDomains(config: Config): readonly string[] {
  const names = (config['acme.domains'] ?? '').split(',').map((name) => name.trim().toLowerCase());
  return [...new Set(names.filter((name) => name !== ''))];
}

/** What is wrong with them. */
export function checkTls(config: Config, origin: (key: OptionKey) => Origin): Finding[] {
  const findings: Finding[] = [];
  const refuse = (key: OptionKey, message: string, hint: string): void => {
    findings.push({ severity: 'error', code: 'config_invalid', place: origin(key).place, message: `${key} (${origin(key).label}): ${message}`, hint });
  };
  const { 'tls.cert': cert, 'tls.key': key } = config;
  if (cert !== null && key === null) refuse('tls.cert', 'a certificate without its key', 'Set tls.key too.');
  if (key !== null && cert === null) refuse('tls.key', 'a key without its certificate', 'Set tls.cert too.');
  if (config['acme.domains'] !== null) {
    if (cert !== null || key !== null) refuse('acme.domains', 'there are certificate files as well', 'Use either tls.cert and tls.key, or acme.domains.');
    const domains = acmeDomains(config);
    const wrong = domains.find((name) => !isDomain(name));
    if (wrong !== undefined) refuse('acme.domains', `"${wrong}" is no domain name`, 'Write names such as relay.example.org, separated by commas.');
    if (domains.length === 0 || domains.length > DOMAINS_MAX) refuse('acme.domains', `from 1 to ${DOMAINS_MAX} domains are possible`, 'Name at least one.');
    if (!config['acme.directory'].startsWith('https://')) refuse('acme.directory', 'it is no https address', 'Write the address that the authority names.');
  }
  if (config['tls.redirect-port'] !== null && !isTlsOn(config)) {
    refuse('tls.redirect-port', 'there is no TLS to send anybody to', 'Set tls.cert and tls.key, or acme.domains.');
  }
  if (config['require-https'] && !isTlsOn(config) && config['behind-proxy'] === NO_PROXY) {
    refuse('require-https', 'clients would come over plain HTTP', 'Set tls.cert and tls.key, or acme.domains; or name the proxies that end TLS in behind-proxy.');
  }
  return findings;
}
