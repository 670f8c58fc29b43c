// Translates the validated configuration into what the addon takes: every property present, null for none.
import { readFileSync } from 'node:fs';
import { isLoopback } from '../config/bind.js';
import type { Config } from '../config/options.js';
import { RelayError } from '../errors.js';
import type { RelayConfig } from '../native/relay-port.js';

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
  | 'graceful'
  | 'graceful-socket'
  | 'plures-socket'
  | 'first-frame-socket';
/** Path to kind. Every other path goes to the control plane. */
export type RouteTable = Readonly<Record<string, RouteKind>>;

/** Liveness fails when the event loop was silent for this long. */
export const EVENT_LOOP_SILENCE_MS = 30_000;
/** What clients of Graceful Books count on. */
const GRACEFUL_BODY_BYTES_MAX = 10 * 1024 * 1024;
const GRACEFUL_PING_MS = 30_000;
const GRACEFUL_SILENCE_MS_MAX = 60_000;

export function toCoreConfig(config: Config, routes: RouteTable, controlPlane: { socketPath: string; secret: string }): RelayConfig {
  return {
    host: config.host === 'localhost' ? '127.0.0.1' : config.host.replace(/^\[(.*)\]$/, '$1'),
    port: config.port,
    dataDir: config['data-dir'],
    workers: config.workers,
    routes: Object.entries(routes)
      .filter(([, kind]) => isServed(kind, config))
      .map(([path, kind]) => ({ path, kind })),
    controlPlane,
    limits: {
      connectionsMax: config['limits.connections-max'],
      entryBytesMax: config['limits.entry-size-max'],
      pushEntriesMax: config['limits.push-entries-max'],
      pushBytesInFlightMax: config['limits.push-in-flight-max'],
      assemblyBytesMax: config['limits.assembly-max'],
      ephemeralFramesPerSecondMax: config['limits.ephemeral-rate-max'],
    },
    times: {
      handshakeMs: config['handshake-timeout'],
      heartbeatMs: config.heartbeat,
      pushWaitMs: config['push-wait'],
      retentionMs: config.retention,
      deviceLeaseMs: config['device-lease'],
      eventLoopSilenceMs: EVENT_LOOP_SILENCE_MS,
    },
    compat: {
      graceful: isOn(config, 'compat.graceful')
        ? {
            tokenless: isOn(config, 'compat.graceful-tokenless'),
            strict: config['compat.graceful-strict'],
            requestsPerMinuteMax: config['compat.graceful-rate-max'],
            tenantBytesMax: config['compat.graceful-quota'],
            retentionMs: config.retention,
            bodyBytesMax: GRACEFUL_BODY_BYTES_MAX,
            pingMs: GRACEFUL_PING_MS,
            silenceMsMax: GRACEFUL_SILENCE_MS_MAX,
          }
        : null,
      plures: isOn(config, 'compat.plures') ? { token: readToken(config['compat.plures-token-file']) } : null,
    },
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

type Switch = 'compat.graceful' | 'compat.graceful-tokenless' | 'compat.plures';

/** What a switch comes to: `auto` is on while only this machine can connect. */
export function isOn(config: Config, key: Switch): boolean {
  return config[key] === 'on' || (config[key] === 'auto' && isLoopback(config.host));
}

function isServed(kind: RouteKind, config: Config): boolean {
  if (kind === 'graceful' || kind === 'graceful-socket') return isOn(config, 'compat.graceful');
  if (kind === 'plures-socket' || kind === 'first-frame-socket') return isOn(config, 'compat.plures');
  return true;
}
