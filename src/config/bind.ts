// Safe by default: who is not told otherwise listens where only this machine can connect.
import { isIP } from 'node:net';
import { configError, type Finding, type Origin } from './finding.js';
import type { Config } from './options.js';
import { NO_PROXY } from './proxies.js';
import { isTlsOn } from './tls.js';

const THREE_WAYS =
  'Three ways out: turn TLS on in the relay with --tls.cert and --tls.key, or with --acme.domains; ' +
  'let a reverse proxy end TLS, on this machine with --host 127.0.0.1 (an SSH tunnel or a VPN does it too), or on others, whose networks --behind-proxy names; ' +
  'or give --insecure where everyone on the network may see who talks to the relay, when and how much, and may copy session tokens.';

/** What is wrong with the addresses to listen on. */
export function checkBind(config: Config, origin: (key: 'host' | 'admin.host') => Origin): Finding[] {
  const findings: Finding[] = [];
  if (!isLoopback(config.host) && !config.insecure && config['behind-proxy'] === NO_PROXY && !isTlsOn(config)) {
    findings.push(refusal(`host "${config.host}" (${origin('host').label}) is not a loopback address, and TLS is not on`, THREE_WAYS, origin('host')));
  } else if (!isLoopback(config.host) && isIP(bareOf(config.host)) === 0) {
    findings.push(configError(`host "${config.host}" (${origin('host').label}) is not an IP address`, 'Give an address of this machine, 0.0.0.0 for all of IPv4, or :: for all of them.', origin('host').place));
  }
  if (config['admin.port'] !== null && !isLoopback(config['admin.host']) && config['admin.token'] === '') {
    const what = `admin.host "${config['admin.host']}" (${origin('admin.host').label}) is not a loopback address, and no admin.token is set`;
    findings.push(refusal(what, 'Use --admin.host 127.0.0.1 and reach it through an SSH tunnel, or set RELAY_ADMIN_TOKEN_FILE and put TLS in front.', origin('admin.host')));
  }
  return findings;
}

/** True while nobody but this machine can connect, as far as the configuration tells: a proxy beside the relay brings everybody. What is open by itself is open then only. */
export function isForThisMachine(config: Pick<Config, 'host' | 'behind-proxy'>): boolean {
  return isLoopback(config.host) && config['behind-proxy'] === NO_PROXY;
}

/** True for 127.0.0.0/8, ::1 and the name localhost. */
export function isLoopback(host: string): boolean {
  const bare = bareOf(host);
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

function bareOf(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

function refusal(message: string, hint: string, { place }: Origin): Finding {
  return { severity: 'error', code: 'bind_not_loopback', place, message, hint };
}
