// A data plane that only remembers what it was told.
import type { RelayConfig, RelayEvent, RelayPort, RelayStats, StartRelayPort } from '../../src/native/relay-port.js';
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

  drainEvents(): RelayEvent[] {
    return this.waiting.splice(0);
  }

  drainSpans(): [] {
    return [];
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
