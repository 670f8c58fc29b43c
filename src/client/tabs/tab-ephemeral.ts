// Ephemeral frames of a tab: what other devices and the other tabs of this one say.
import type { Ephemeral, EphemeralMessage } from '../live/ephemeral.js';
import { plainBytes } from '../plain-bytes.js';

export class TabEphemeral implements Ephemeral {
  readonly #say: (payload: Uint8Array) => boolean;
  readonly #isListening: () => boolean;
  readonly #listeners = new Set<(message: EphemeralMessage) => void>();
  readonly #ready = new Set<() => void>();

  constructor(say: (payload: Uint8Array) => boolean, isListening: () => boolean) {
    this.#say = say;
    this.#isListening = isListening;
  }

  send(payload: Uint8Array): boolean {
    return this.#say(plainBytes(payload));
  }

  subscribe(listener: (message: EphemeralMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onListening(listener: () => void): () => void {
    this.#ready.add(listener);
    if (this.#isListening()) listener();
    return () => void this.#ready.delete(listener);
  }

  hear(message: EphemeralMessage): void {
    for (const listener of [...this.#listeners]) listener(message);
  }

  listening(): void {
    for (const listener of [...this.#ready]) listener();
  }
}
