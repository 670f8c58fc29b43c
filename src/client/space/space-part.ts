// Parts of a space: what not every app needs comes with an entry of its own, and is given to createSpace and openSpace as `parts`.
import type { RelayAddress } from '../../protocol/address.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import type { FrameSet } from '../../protocol/frame-set.js';
import type { RelayFrame } from '../../protocol/relay-frame.js';
import type { SessionLink } from '../connection/connection-handler.js';
import type { RelayRefusal } from '../connection/relay-refusal.js';
import type { Environment } from '../environment.js';
import type { OpenTransport } from '../transport/transport.js';
import type { Failover } from './failover-part.js';
import type { Internals } from './internals.js';
import type { SnapshotsPart } from './snapshots-part.js';
import type { SpaceContext } from './space-context.js';

/** What a part is opened with. */
export interface PartGround {
  readonly context: SpaceContext;
  readonly address: RelayAddress;
  readonly internals: Internals;
  /** The link of the open session; throws `offline`. */
  readonly link: () => SessionLink;
  /** Throws `closed`. */
  readonly assertOpen: () => void;
  /** Makes a snapshot once everything is read; throws `snapshot_handler_missing` without that part. */
  readonly snapshot: () => Promise<number>;
}

/** A part of one open space. What it does not define does not concern it. */
export interface OpenPart<C extends object> {
  /** What the space can do with it: these become properties of the space. */
  readonly calls: C;
  /** A session is open, at this attested time. */
  begin?(link: SessionLink, attestedTime: number): void;
  /** Takes a frame of its set; false when it is none. */
  frame?(frame: RelayFrame): Promise<void> | void | false;
  /** Whether an Error frame answers something it asked for. */
  refused?(refusal: RelayRefusal): boolean;
  /** The session is gone. */
  down?(cause: Error): void;
  /** The space is closed. */
  close?(): void;
}

/** One part, as its entry exports it. `C` is what it adds to a space. */
export interface SpacePart<C extends object = object> {
  /** Its name, for messages. */
  readonly name: string;
  /** The frames it sends and takes. */
  readonly frames?: FrameSet;
  open?(ground: PartGround): OpenPart<C>;
  /** Another way to the relay beside WebSockets. */
  transport?(webSockets: OpenTransport, environment: Environment): OpenTransport;
  /** For platforms whose WebCrypto lacks Ed25519. */
  ed25519?(): Ed25519 | Promise<Ed25519>;
  readonly snapshots?: SnapshotsPart;
  readonly failover?: Failover;
}

type Adds<P> = P extends SpacePart<infer C> ? (calls: C) => void : never;
/** What parts add to a space. */
export type CallsOf<P extends readonly SpacePart[]> = [Adds<P[number]>] extends [never] ? unknown : Adds<P[number]> extends (calls: infer C) => void ? C : never;
