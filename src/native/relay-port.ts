// What the rest of the program knows of the data plane. The addon implements it; tests hand in a double.
import type { ExportReport, ImportReport, LogResetReport, RelayConfig, RelayEvent, RelayForeignPage, RelayFounding, RelayFoundingVerdict, RelayInfo, RelayMeasures, RelaySample, RelaySlowReaders, RelaySpaceDetail, RelaySpacePage, RelaySpan, RelayStats, RelayTenantPage } from '../../index.js';

export type { ExportReport, ImportReport, LogResetReport, RelayConfig, RelayEvent, RelayForeignPage, RelayFounding, RelayFoundingVerdict, RelayInfo, RelayMeasures, RelaySample, RelaySlowReaders, RelaySpaceDetail, RelaySpacePage, RelaySpan, RelayStats, RelayTenantPage };

/** A file that is made while it is read. */
export interface PieceSource {
  /** The next piece, about a megabyte; null behind the last one. One call at a time. */
  next(): Promise<Uint8Array | null>;
}

/** A running data plane. */
export interface RelayPort {
  /** What does not change while it runs. */
  info(): RelayInfo;
  /** One snapshot of all counters and gauges; null once it was stopped. */
  stats(): RelayStats | null;
  /** Durations by bucket and errors by code; null once it was stopped. */
  measures(): RelayMeasures | null;
  /** Events since the last call, oldest first. */
  drainEvents(): RelayEvent[];
  /** Devices that would found a space and wait for a word, oldest first; each is shown once. They wake like events. */
  drainFoundings(): RelayFounding[];
  /** That word. */
  answerFounding(id: number, said: RelayFoundingVerdict): void;
  /** Reads the files of the certificate again; rejects when they are of no use, and goes on with what there was. */
  reloadCertificate(): Promise<void>;
  /** Spans that were finished since the last call, oldest first. */
  drainSpans(): RelaySpan[];
  /** Says that the event loop turns. */
  beat(): void;
  /** Erases a space (64 hexadecimal digits) without its owner; resolves once nothing of it is left on disk. */
  eraseSpace(space: string): Promise<void>;
  /** A page of spaces, at most 100, behind the one with the pseudonym `after`. */
  spaces(after: string | null, count: number): Promise<RelaySpacePage>;
  /** The space with a pseudonym, with its devices. */
  space(pseudonym: string): Promise<RelaySpaceDetail>;
  /** The open subscriptions that are furthest behind, at most 100. */
  slowReaders(count: number): Promise<RelaySlowReaders>;
  /** A page of tenants with what they take, at most 1,000, behind the one with the id `after`. */
  tenants(after: string | null, count: number): Promise<RelayTenantPage>;
  /** A page of the tenants of foreign protocols, at most 100, behind the one with the pseudonym `after`. */
  foreignTenants(after: string | null, count: number): Promise<RelayForeignPage>;
  /** Erases the foreign tenant with a pseudonym; resolves once nothing of it is left on disk. */
  eraseForeignTenant(pseudonym: string): Promise<void>;
  /** The newest stored record of the space with a pseudonym, or of the one written to last; null when there is none. */
  sample(pseudonym: string | null): Promise<RelaySample | null>;
  /** Erases the space with a pseudonym; resolves once nothing of it is left on disk. */
  eraseByPseudonym(pseudonym: string): Promise<void>;
  /** Begins to write a space (64 hexadecimal digits) as a file. */
  beginExport(space: string): Promise<PieceSource>;
  /** Makes a space of a file that another relay wrote, or goes on with one that is there; resolves once all of it is durable. */
  importSpace(path: string): Promise<ImportReport>;
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
