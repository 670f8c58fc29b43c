// A data plane that only remembers what it was told.
import type { RelayConfig, RelayEvent, RelayMeasures, RelayPort, RelayStats, StartRelayPort } from '../../src/native/relay-port.js';
import { ROUTES } from '../../src/server/telemetry/closed-labels.js';
import { RELAY_METRICS } from '../../src/server/telemetry/relay-metrics.js';

export class RelayPortDouble implements RelayPort {
  readonly calls: string[] = [];
  config: RelayConfig | null = null;
  waiting: RelayEvent[] = [];
  wake: () => void = () => undefined;
  statsCalls = 0;

  readonly start: StartRelayPort = async (config, onEvents) => {
    this.config = config;
    this.wake = onEvents;
    this.calls.push('start');
    return this;
  };

  info(): { host: string; port: number; logId: string } {
    return { host: this.config?.host ?? '127.0.0.1', port: 4242, logId: 'A'.repeat(43) };
  }

  stats(): RelayStats {
    this.statsCalls += 1;
    return statsOf(this.statsCalls);
  }

  measures(): RelayMeasures {
    return measuresOf(this.statsCalls);
  }

  drainEvents(): RelayEvent[] {
    return this.waiting.splice(0);
  }

  beat(): void {
    if (!this.calls.includes('beat')) this.calls.push('beat');
  }

  async eraseSpace(space: string): Promise<void> {
    this.calls.push(`erase ${space}`);
  }

  async stop(options: { readonly drainMs: number }): Promise<void> {
    this.calls.push(`stop ${options.drainMs}`);
  }
}

/** A snapshot with the same number everywhere. */
export function statsOf(value: number): RelayStats {
  return Object.fromEntries(Object.keys(RELAY_METRICS).map((key) => [key, value])) as unknown as RelayStats;
}

const BOUNDS_MICROS = [1000, 10_000, 100_000, 1_000_000];

/** Measures of every route with the same number in each bucket. */
export function measuresOf(value: number): RelayMeasures {
  const durations = { counts: [...BOUNDS_MICROS, 0].map(() => value), micros: value };
  return {
    boundsMicros: BOUNDS_MICROS,
    requests: ROUTES.map((route) => ({ route, ok: durations, clientErrors: value, relayErrors: value })),
    syncs: durations,
    errors: [{ code: 'busy', count: value }],
  };
}
