// Translates the validated configuration into what the addon takes: every property present, null for none.
import type { Config } from '../config/options.js';
import type { RelayConfig } from '../native/relay-port.js';

/** What a path on the public port serves. The names are the addon's. */
export type RouteKind = 'native' | 'session' | 'push' | 'pull' | 'subscribe' | 'frames' | 'blobs' | 'liveness';
/** Path to kind. Every other path goes to the control plane. */
export type RouteTable = Readonly<Record<string, RouteKind>>;

/** Liveness fails when the event loop was silent for this long. */
export const EVENT_LOOP_SILENCE_MS = 30_000;

export function toCoreConfig(config: Config, routes: RouteTable, controlPlane: { socketPath: string; secret: string } | null, listenFd: number | null = null): RelayConfig {
  return {
    host: config.host === 'localhost' ? '127.0.0.1' : config.host.replace(/^\[(.*)\]$/, '$1'),
    port: config.port,
    dataDir: config['data-dir'],
    workers: config.workers,
    routes: Object.entries(routes).map(([path, kind]) => ({ path, kind })),
    controlPlane,
    takeOverMs: config['reuse-port'] ? config['reuse-port-wait'] : null,
    listenFd,
    tracePerMille: config['traces.endpoint'] === 'off' ? null : config['traces.sample'],
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
  };
}
