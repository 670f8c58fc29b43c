// What the conductor and the device processes say to each other over Node's IPC channel.

/** How a device is reached: through the relay, or (for comparison) through a plain TCP connection without a relay. */
export type Route =
  | { readonly kind: 'relay'; readonly relay: string; readonly link: string | null; readonly unsealed: boolean }
  | { readonly kind: 'direct'; readonly port: number };

export type Role = 'author' | 'follower';

/** Conductor to device. */
export type Command =
  | { readonly do: 'start'; readonly role: Role; readonly route: Route; readonly windowMs: number; readonly names: readonly string[] }
  | { readonly do: 'type'; readonly trace: string; readonly canaries: readonly string[]; readonly from: number; readonly to: number }
  | { readonly do: 'tick'; readonly count: number; readonly everyMs: number }
  | { readonly do: 'offline' | 'online' | 'snapshot' | 'settle' | 'report' | 'stop' };

export interface DeviceReport {
  readonly textHash: string;
  readonly textLength: number;
  /** Edits typed here (the author) or 0. */
  readonly edits: number;
  /** Sum of the per-edit document updates, bytes. */
  readonly rawBytes: number;
  /** Bytes handed to sealing, after merging. */
  readonly mergedBytes: number;
  readonly entries: number;
  readonly receiptsVerified: number;
  readonly acksVerified: number;
  /** Misbehaviour, rejected entries and errors, by kind. Empty when all is well. */
  readonly troubles: readonly string[];
  /** Monotonic nanoseconds at which each tick was pushed (author) or seen (follower). */
  readonly ticks: readonly string[];
  readonly bootstrapped: boolean;
}

/** Device to conductor. Every command is answered by one `done`; `progress` comes in between. */
export type Answer =
  | { readonly say: 'done'; readonly link: string | null }
  | { readonly say: 'progress'; readonly edits: number }
  | { readonly say: 'report'; readonly report: DeviceReport }
  | { readonly say: 'failed'; readonly why: string };
