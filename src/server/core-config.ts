// Translates the validated configuration into what the addon takes: every property present, null for none.
import { readFileSync } from 'node:fs';
import { addressesOf } from '../config/aliases.js';
import { isForThisMachine } from '../config/bind.js';
import type { Config } from '../config/options.js';
import { parseOrigins } from '../config/origins.js';
import { parseProxies } from '../config/proxies.js';
import { acmeDomains, isTlsOn } from '../config/tls.js';
import { RelayError } from '../errors.js';
import type { RelayConfig } from '../native/relay-port.js';
import { tenantPlan } from './admission/tenant-plan.js';

/** What a path on the public port serves. The names are the addon's. */
export type RouteKind =
  | 'native'
  | 'session'
  | 'push'
  | 'pull'
  | 'subscribe'
  | 'frames'
  | 'blobs'
  | 'liveness'
  | 'probe'
  | 'graceful'
  | 'graceful-socket'
  | 'plures-socket'
  | 'gun-socket'
  | 'eidetica'
  | 'first-frame-socket';
/** Path to kind. Every other path goes to the control plane. */
export type RouteTable = Readonly<Record<string, RouteKind>>;

/** Liveness fails when the event loop was silent for this long. */
const EVENT_LOOP_SILENCE_MS = 30_000;
/** What clients of Graceful Books count on. */
const GRACEFUL_BODY_BYTES_MAX = 10 * 1024 * 1024;
const GRACEFUL_PING_MS = 30_000;
const GRACEFUL_SILENCE_MS_MAX = 60_000;
/** The core counts tenants of 10,000. */
const ROLLOUT_PER_PERCENT = 100;
/** What a rate that is no limit comes to: its headers want a number. */
const NO_RATE = 1_000_000;

export function toCoreConfig(config: Config, routes: RouteTable, controlPlane: { socketPath: string; secret: string } | null, listenFd: number | null = null): RelayConfig {
  return {
    host: config.host === 'localhost' ? '127.0.0.1' : config.host.replace(/^\[(.*)\]$/, '$1'),
    port: config.port,
    dataDir: config['data-dir'],
    workers: config.workers,
    routes: Object.entries(routes)
      .filter(([, kind]) => isServed(kind, config))
      .map(([path, kind]) => ({ path, kind })),
    controlPlane,
    gate: gateConfig(config),
    asksToFound: config.admission !== 'open',
    tenants: tenantPlan(config),
    tls: tlsConfig(config),
    takeOverMs: config['reuse-port'] ? config['reuse-port-wait'] : null,
    listenFd,
    tracePerMille: config['traces.endpoint'] === 'off' ? null : config['traces.sample'],
    limits: limitsConfig(config),
    times: {
      handshakeMs: config['handshake-timeout'],
      heartbeatMs: config.heartbeat,
      pushWaitMs: config['push-wait'],
      retentionMs: config.retention,
      deviceLeaseMs: config['device-lease'],
      eventLoopSilenceMs: EVENT_LOOP_SILENCE_MS,
    },
    compat: compatConfig(config),
  };
}

function gateConfig(config: Config): RelayConfig['gate'] {
  return {
    requestsPerMinute: config['limits.requests-per-minute'],
    nativeRequestsPerMinute: config['limits.native-requests-per-minute'],
    connectionsPerMinute: config['limits.connections-per-minute'],
    connectionsMax: config['limits.address-connections-max'],
    trustedProxies: [...(parseProxies(config['behind-proxy']) ?? [])],
    proxyProtocol: config['proxy-protocol'],
    proxyHeader: config['proxy-header'],
    requireHttps: config['require-https'],
    origins: [...(parseOrigins(config['cors-origins']) ?? [])],
  };
}

function limitsConfig(config: Config): RelayConfig['limits'] {
  return {
    connectionsMax: config['limits.connections-max'],
    entryBytesMax: config['limits.entry-size-max'],
    pushEntriesMax: config['limits.push-entries-max'],
    pushBytesInFlightMax: config['limits.push-in-flight-max'],
    assemblyBytesMax: config['limits.assembly-max'],
    ephemeralFramesPerSecondMax: config['limits.ephemeral-rate-max'],
    sessionPushesPerSecondMax: config['limits.session-pushes-per-second'],
    spacePushesPerSecondMax: config['limits.space-pushes-per-second'],
    spaceConnectionsMax: config['limits.space-connections-max'],
    sponsoredSpacesPerHourMax: config['limits.sponsored-spaces-per-hour'],
    spaceEntriesMax: config['limits.space-entries-max'],
    spaceBytesMax: config['limits.space-bytes-max'],
    spaceBlobsMax: config['limits.space-blobs-max'],
    spaceBlobBytesMax: config['limits.space-blob-bytes-max'],
  };
}

function compatConfig(config: Config): RelayConfig['compat'] {
  return {
    graceful: isOn(config, 'compat.graceful')
      ? {
          tokenless: isOn(config, 'compat.graceful-tokenless'),
          strict: config['compat.graceful-strict'],
          rolloutShare: Math.round(config['compat.graceful-rollout'] * ROLLOUT_PER_PERCENT),
          requestsPerMinuteMax: gracefulRate(config),
          tenantBytesMax: config['compat.graceful-quota'],
          retentionMs: config.retention,
          bodyBytesMax: GRACEFUL_BODY_BYTES_MAX,
          pingMs: GRACEFUL_PING_MS,
          silenceMsMax: GRACEFUL_SILENCE_MS_MAX,
        }
      : null,
    plures: isOn(config, 'compat.plures') ? { token: readToken(config['compat.plures-token-file']) } : null,
    gun: isOn(config, 'compat.gun')
      ? {
          tokenless: isOn(config, 'compat.gun-tokenless'),
          signedOnly: config['compat.gun-signed-only'],
          sealedOnly: config['compat.gun-sealed-only'],
          peers: [...addressesOf(config['compat.gun-peers'])],
          tenantBytesMax: config['compat.gun-quota'],
        }
      : null,
    eidetica: isOn(config, 'compat.eidetica')
      ? {
          tokenless: isOn(config, 'compat.eidetica-tokenless'),
          proof: isProofWanted(config),
          signedOnly: config['compat.eidetica-signed-only'],
          tenantBytesMax: config['compat.eidetica-quota'],
          bodyBytesMax: config['compat.eidetica-body-max'],
        }
      : null,
    limits: {
      tenantsMax: config['compat.tenants-max'],
      openBytesMax: config['compat.open-quota'],
      connectionsMax: config['compat.connections-max'],
      tenantConnectionsMax: config['limits.space-connections-max'],
      tenantWritesPerSecondMax: config['limits.space-pushes-per-second'],
      connectionPutsPerSecondMax: config['limits.session-pushes-per-second'],
      addressWritesPerMinuteMax: config['compat.address-writes-per-minute'],
    },
    byOwner: config.admission === 'jwt',
  };
}

/** One rule for one address: requests that clients of Graceful Books count are held to the general rate, unless they have their own. */
function gracefulRate(config: Config): number {
  return config['compat.graceful-rate-max'] || config['limits.requests-per-minute'] || NO_RATE;
}

function tlsConfig(config: Config): RelayConfig['tls'] {
  if (!isTlsOn(config)) return null;
  const { 'tls.cert': certificate, 'tls.key': key } = config;
  const domains = acmeDomains(config);
  return {
    files: certificate === null || key === null ? null : { certificate, key },
    acme: domains.length === 0 ? null : { directory: config['acme.directory'], domains: [...domains], email: config['acme.email'], ca: config['acme.ca'] },
    hstsMaxAgeS: Math.floor(config['tls.hsts'] / 1000),
    redirectPort: config['tls.redirect-port'],
  };
}

/** The text of a token's file, without the space around it; null when there is to be none. */
function readToken(path: string): string | null {
  if (path === 'off') return null;
  const hint = 'Put the token into the file named by compat.plures-token-file, readable by the relay.';
  let token: string;
  try {
    token = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new RelayError('config_invalid', `compat.plures-token-file: ${path} cannot be read`, { hint, cause });
  }
  if (token === '') throw new RelayError('config_invalid', `compat.plures-token-file: ${path} is empty`, { hint });
  return token;
}

type Switch = 'compat.graceful' | 'compat.graceful-tokenless' | 'compat.plures' | 'compat.gun' | 'compat.gun-tokenless' | 'compat.eidetica' | 'compat.eidetica-tokenless';

/** `auto` is off while only this machine can connect, and no proxy brings others: there it would keep out devices that have not signed yet. */
function isProofWanted(config: Config): boolean {
  return config['compat.eidetica-proof'] === 'on' || (config['compat.eidetica-proof'] === 'auto' && !isForThisMachine(config));
}

/** What a switch comes to: `auto` is on while only this machine can connect, and no proxy brings others. Who shows no token cannot be let in by one. */
export function isOn(config: Config, key: Switch): boolean {
  if (key.endsWith('-tokenless') && config.admission !== 'open') return false;
  return config[key] === 'on' || (config[key] === 'auto' && isForThisMachine(config));
}

function isServed(kind: RouteKind, config: Config): boolean {
  if (kind === 'graceful' || kind === 'graceful-socket') return isOn(config, 'compat.graceful');
  if (kind === 'eidetica') return isOn(config, 'compat.eidetica');
  if (kind === 'plures-socket') return isOn(config, 'compat.plures');
  if (kind === 'first-frame-socket') return isOn(config, 'compat.plures') || isOn(config, 'compat.gun');
  // Below /gun the topics of the other system are paths.
  if (kind === 'gun-socket') return isOn(config, 'compat.gun') && !isOn(config, 'compat.plures');
  return true;
}
