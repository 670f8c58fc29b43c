// A network that goes and comes when it is told to.
import type { Network, NetworkEvent } from '../../src/client/connection/network.js';

export class ManualNetwork implements Network {
  online = true;
  readonly #listeners = new Set<(event: NetworkEvent) => void>();

  get listeners(): number {
    return this.#listeners.size;
  }

  listen(listener: (event: NetworkEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The platform says so. */
  tell(event: NetworkEvent): void {
    this.online = event === 'back';
    for (const listener of this.#listeners) listener(event);
  }
}
