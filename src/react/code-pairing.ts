// Pairing by a short code, for devices that cannot scan: what a user interface needs of it. Without one it is not shown.
import type { ExternalStore } from './external-store.js';

export interface CodePairingState {
  /** `offered`: a code waits for the other device; `confirming`: it is there, and both show the same words. */
  readonly phase: 'idle' | 'offered' | 'confirming' | 'paired' | 'failed';
  readonly code: string | null;
  /** Unix milliseconds. */
  readonly expiresAt: number | null;
}

export interface CodePairing extends ExternalStore<CodePairingState> {
  offer(): Promise<void>;
  cancel(): void;
}
