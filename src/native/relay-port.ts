// What the rest of the program knows of the data plane. The addon implements it; tests hand in a double.
import type { LogResetReport, RelayConfig, RelayEvent, RelayInfo, RelaySpan, RelayStats } from '../../index.js';

export type { LogResetReport, RelayConfig, RelayEvent, RelayInfo, RelaySpan, RelayStats };

/** A running data plane. */
export interface RelayPort {
  /** What does not change while it runs. */
  info(): RelayInfo;
  /** One snapshot of all counters and gauges; null once it was stopped. */
  stats(): RelayStats | null;
  /** Events since the last call, oldest first. */
  drainEvents(): RelayEvent[];
  /** Spans that were finished since the last call, oldest first. */
  drainSpans(): RelaySpan[];
  /** Says that the event loop turns. */
  beat(): void;
  /** Erases a space (64 hexadecimal digits) without its owner; resolves once nothing of it is left on disk. */
  eraseSpace(space: string): Promise<void>;
  /** Tells clients when to return, waits for them at most `drainMs`, closes the store. A second call does nothing. */
  stop(options: { readonly drainMs: number }): Promise<void>;
}

/** A data plane whose sockets belong to a program. */
export interface EmbeddedPort extends RelayPort {
  /** Takes one batch of what happened on the sockets. */
  receive(batch: Uint8Array): void;
  /** The next piece of what the sockets are to send; null once there is none. */
  takeOutput(): Buffer | null;
  /** Who is called when output waits, once until it was taken. */
  onOutput(listener: () => void): void;
}

/** Starts a data plane; `onEvents` is called when events wait, at most once per `drainEvents`. */
export type StartRelayPort = (config: RelayConfig, onEvents: () => void) => Promise<RelayPort>;
