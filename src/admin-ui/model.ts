// What the admin API answers, as the pages use it.

export interface SessionState {
  readonly signedIn: boolean;
  readonly way: 'link' | 'token' | 'passkey' | null;
  readonly endsAtMs: number | null;
  readonly hasToken: boolean;
  readonly hasPasskeys: boolean;
  readonly passkeysPossible: boolean;
}

export type Figures = Readonly<Record<string, number>>;

export interface Region {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly endpoint: string | null;
}

export interface RegionRow {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  /** Empty: not in use. */
  readonly endpoint: string;
  readonly here: boolean;
  readonly status: 'online' | 'degraded' | 'offline' | 'unknown';
  readonly latencyMs: number | null;
  readonly checkedMs: number | null;
  readonly offlineSinceMs: number | null;
}

export interface RegionList {
  readonly region: string;
  readonly regions: readonly RegionRow[];
}

export interface Overview {
  readonly version: string;
  readonly relayAddress: string | null;
  readonly pid: number;
  readonly node: string;
  readonly startedAtMs: number;
  readonly phase: 'starting' | 'ready' | 'draining';
  readonly reason: string | null;
  readonly detail: string | null;
  readonly storeLatencyMs: number;
  readonly environment: string;
  readonly region: string;
  readonly regions: readonly Region[];
  readonly residentBytes: number;
  readonly figures: Figures | null;
}

export interface SpaceRow {
  readonly pseudonym: string;
  readonly resident: boolean;
  readonly entries: number | null;
  readonly sealedBytes: number | null;
  readonly size: number | null;
  readonly floor: number | null;
  readonly head: string | null;
  readonly devices: number | null;
  readonly connections: number;
  readonly lastUseMs: number | null;
}

export interface SpacePage {
  readonly spaces: readonly SpaceRow[];
  readonly next: string | null;
}

export interface DeviceRow {
  readonly pseudonym: string;
  readonly rights: string;
  readonly notAfterMs: number | null;
  readonly acked: number | null;
  readonly lag: number;
  readonly pushed: number;
  readonly contactMs: number | null;
  readonly subscriptions: number;
}

export interface SpaceDetail {
  readonly space: SpaceRow;
  readonly rosterVersion: number;
  readonly keyEpoch: number;
  readonly queueMode: boolean;
  readonly formerDevices: number;
  readonly devices: readonly DeviceRow[];
}

export interface SlowReaders {
  readonly readers: readonly { readonly space: string; readonly device: string; readonly cursor: number; readonly lag: number }[];
  readonly scanned: number;
  readonly whole: boolean;
}

export interface SampleField {
  readonly name: string;
  readonly length: number;
  readonly hex: string | null;
  readonly pseudonym: string | null;
  readonly reveals: string;
}

export interface Sample {
  readonly space: string;
  readonly segment: number;
  readonly offset: number;
  readonly recordBytes: number;
  readonly fields: readonly SampleField[];
}

export interface ConfigOption {
  readonly key: string;
  readonly group: string;
  readonly value: string;
  readonly origin: string;
  readonly reloadable: boolean;
  readonly doc: string;
}

export interface LogLines {
  readonly kept: boolean;
  readonly lines: readonly { readonly number: number; readonly text: string }[];
}

export interface TenantRow {
  readonly tenant: string;
  readonly name: string | null;
  readonly spaces: number;
  readonly connections: number;
  readonly connectionsMax: number;
  readonly entries: number | null;
  readonly entriesMax: number;
  readonly bytes: number | null;
  readonly bytesMax: number;
  readonly pushesPerSecondMax: number;
}

export interface TenantPage {
  readonly tenants: readonly TenantRow[];
  readonly next: string | null;
}

export interface Invite {
  readonly id: string;
  readonly label: string;
  readonly tenant: string | null;
  readonly usesMax: number;
  readonly used: number;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
}

/** How often limits were reached, where the relay counts it. */
export interface ReachedLimits {
  readonly limits: readonly { readonly option: string; readonly reached: number | null }[];
}

export interface Alerts {
  readonly alerts: readonly { readonly key: string; readonly severity: string; readonly phase: string; readonly summary: string }[];
}

export interface PasskeyRow {
  readonly id: string;
  readonly label: string;
  readonly host: string;
  readonly createdAtMs: number;
  readonly usedAtMs: number | null;
}

/** A foreign protocol that is served. */
export interface OpenProtocol {
  readonly system: string;
  readonly name: string;
  readonly where: string;
  readonly who: string;
  readonly clear: string;
}

export interface ForeignRow {
  readonly pseudonym: string;
  readonly system: string;
  readonly shared: boolean;
  readonly admitted: boolean;
  readonly records: number;
  readonly bytes: number;
  readonly trees: number | null;
  readonly connections: number;
  readonly openedMs: number | null;
  readonly lastWriteMs: number | null;
  readonly erasedMs: number | null;
  readonly erasing: boolean;
}

export interface ForeignPage {
  readonly protocols: readonly OpenProtocol[];
  readonly tenants: readonly ForeignRow[];
  readonly next: string | null;
  readonly topics: number | null;
  readonly topicPeers: number | null;
}
