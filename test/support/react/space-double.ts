// A space as user interfaces see it, whose state a test sets.
import type { DeviceInfo, EphemeralMessage, SpaceEvents, StatusEvent, Write } from '../../../src/client/index.js';
import type { LiveSpace } from '../../../src/client/live/index.js';

type Listener = (event: never) => void;

export class SpaceDouble {
  status: StatusEvent = { status: 'online', error: null };
  hasUnsyncedChanges = false;
  link: string | null = `sealrelay://relay.example/#k=${'A'.repeat(43)}&s=${'B'.repeat(43)}&r=1.${'C'.repeat(43)}`;
  known: readonly DeviceInfo[] = [];
  readonly sent: string[] = [];
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #hearing = new Set<(message: EphemeralMessage) => void>();

  /** The double in the place of a space; it has what the hooks use, and nothing else. */
  get space(): LiveSpace {
    return this as unknown as LiveSpace;
  }

  get listening(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, this.#hearing.size);
  }

  readonly ephemeral = {
    send: (payload: Uint8Array) => this.sent.push(new TextDecoder().decode(payload.subarray(1))) > 0,
    subscribe: (listener: (message: EphemeralMessage) => void) => {
      this.#hearing.add(listener);
      return () => this.#hearing.delete(listener);
    },
    onListening: (listener: () => void) => {
      listener();
      return () => undefined;
    },
  };

  on(name: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  emit<K extends keyof SpaceEvents>(name: K, event: SpaceEvents[K]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) (listener as (event: SpaceEvents[K]) => void)(event);
  }

  /** A frame of another device, as presence sends them. */
  hear(device: string, text: string, mark = 0x70): void {
    const payload = new TextEncoder().encode(` ${text}`);
    payload[0] = mark;
    for (const listener of [...this.#hearing]) listener({ device, payload, time: 0 });
  }

  devices(): readonly DeviceInfo[] {
    return this.known.map((device) => ({ ...device }));
  }

  async removeDevice(device: string): Promise<void> {
    this.known = this.known.filter((known) => known.device !== device);
    this.emit('roster', {} as SpaceEvents['roster']);
  }

  /** Something is pushed; `write` is its fate. */
  push(write: Pick<Write, 'seenBy'>): void {
    this.hasUnsyncedChanges = true;
    this.emit('pushed', write as Write);
  }

  /** The relay has it all. Without a write there is no more than that, as for what an earlier run pushed. */
  sync(write?: Pick<Write, 'seenBy'>): void {
    this.hasUnsyncedChanges = false;
    if (write !== undefined) this.emit('write-state', write as Write);
    this.emit('progress', undefined);
  }

  goOffline(): void {
    this.status = { status: 'offline', error: null };
  }

  async close(): Promise<void> {
    this.status = { status: 'closed', error: null };
  }
}

export const deviceOf = (name: string, more: Partial<DeviceInfo> = {}): DeviceInfo => ({ device: name.repeat(64 / name.length), rights: 'admin', own: false, name: null, leaving: false, ...more });
