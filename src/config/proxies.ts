// The list behind `behind-proxy`: networks of proxies whose word about a client's address is believed.
import { BlockList, isIP } from 'node:net';
import { configError, type Finding, type Origin } from './finding.js';
import type { Config, OptionKey } from './options.js';

/** Words for the networks that proxies are usually in. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fe80::/10'],
};
/** What the core takes; see TRUSTED_PROXIES_MAX of relay-net. */
const NETWORKS_MAX = 64;
/** The option's text for nobody. */
export const NO_PROXY = 'off';

/** The networks of a list; null when one of them is none, or when there are too many. */
export function parseProxies(text: string): readonly string[] | null {
  if (text === NO_PROXY) return [];
  const networks = text
    .split(',')
    .map((part) => part.trim())
    .flatMap((part) => (Object.hasOwn(NAMED, part) ? (NAMED[part] ?? []) : [part]));
  return networks.length <= NETWORKS_MAX && networks.every(isNetwork) ? networks : null;
}

/** Whether an address is in one of the networks of a list; a name stands for loopback. */
export function isOfProxies(text: string, host: string): boolean {
  const networks = new BlockList();
  for (const network of parseProxies(text) ?? []) {
    const [address = '', prefix] = network.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    networks.addSubnet(address, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family);
  }
  const address = isIP(host) === 0 ? '127.0.0.1' : host;
  return networks.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/** What is wrong with the options. */
export function checkProxies(config: Config, origin: (key: OptionKey) => Origin): Finding[] {
  const { 'behind-proxy': text, 'proxy-protocol': speaks } = config;
  const { label, place } = origin('behind-proxy');
  if (speaks && text === NO_PROXY) {
    const { label, place } = origin('proxy-protocol');
    return [configError(`${label}: the PROXY protocol is spoken by nobody`, 'Name the networks of your proxies with --behind-proxy, or leave it out.', place)];
  }
  if (parseProxies(text) !== null) return [];
  const hint = `Give ${NO_PROXY}, or networks with commas between them, such as loopback, private, 10.0.0.0/8 or 2001:db8::/32.`;
  return [configError(`${label}: "${text}" is not a list of at most ${NETWORKS_MAX} networks`, hint, place)];
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/');
  const version = isIP(address);
  // The core knows no zones.
  if (version === 0 || address.includes('%') || more.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}
