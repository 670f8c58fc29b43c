// What tests of PluresDB transports do with connections.
import { createTransport, type SyncConnection, type SyncTransport, type TransportConfig } from '../../src/client/plures/node.js';

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Everything a connection gives, as text. */
export function collected(connection: SyncConnection): string[] {
  const got: string[] = [];
  void (async () => {
    for await (const message of connection.receive()) got.push(new TextDecoder().decode(message));
    got.push('end');
  })();
  return got;
}

export async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 2000 && !isSo(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  if (!isSo()) throw new Error(`never: ${what}`);
}

/** Transports that are closed together. */
export class Transports {
  readonly #common: Partial<TransportConfig>;
  #open: SyncTransport[] = [];

  constructor(common: Partial<TransportConfig> = {}) {
    this.#common = common;
  }

  make(config: Partial<TransportConfig>): SyncTransport {
    const made = createTransport({ mode: 'azure-relay', ...this.#common, ...config });
    this.#open.push(made);
    return made;
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((made) => made.close()));
  }
}
