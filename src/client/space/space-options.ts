// What an app may choose about a space, however it gets to it.
import type { Environment } from '../environment.js';
import type { DeviceStore } from '../store/device-store.js';
import type { WebSocketConstructor } from '../transport/websocket-transport.js';
import type { SpacePart } from './space-part.js';

/** How the app's state becomes a snapshot and comes back from one. */
export interface SnapshotHandler {
  /** The whole state, everything delivered so far included; it may hold more. */
  create(): Uint8Array | Promise<Uint8Array>;
  /** Takes a state that another device made; merging it into what is there must be safe. */
  load(state: Uint8Array): void | Promise<void>;
}

/** What both ways to a space take. */
export interface SpaceOptions<P extends readonly SpacePart[] = readonly SpacePart[]> {
  /** What this space can do beside entries and devices: `[live, blobs, httpFallback, …]`, each from an entry of its own. */
  readonly parts?: P;
  /** Where the device is kept; without it the device is gone with the process. */
  readonly storage?: DeviceStore;
  /** The WebSocket to use; the platform's own when absent. */
  readonly webSocket?: WebSocketConstructor;
  /** How long small changes gather before they are sealed as one entry, 0 to 50 ms; 50 when absent. */
  readonly batchWindowMs?: number;
  /** Combines the items of one batch, for example updates of one document. */
  readonly merge?: (items: readonly Uint8Array[]) => readonly Uint8Array[];
  /** What the relay's operator asks for before a new space is taken: an invite token or a JWT. It is shown until the relay has the space. */
  readonly admission?: { readonly token: string };
  /** What this device is called; only devices of the space can read it. 1 to 64 characters. */
  readonly deviceName?: string;
  /** True: stay offline until goOnline(). */
  readonly offline?: boolean;
  /** Clock, timers, randomness and the word on the network; the platform's own when absent. */
  readonly environment?: Partial<Environment>;
}
