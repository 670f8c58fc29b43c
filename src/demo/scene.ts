// The demo as a whole: two devices, the lines between them and the relay, and what can be done to them.
import type { Misbehaviour, RegionMover } from '../client/index.js';
import { DemoDevice, type DeviceName } from './demo-device.js';
import type { Conditions } from './line.js';
import { Liar, type Lie } from './liar.js';
import { linkOfPage, relayOfPage } from './place.js';
import { DISTANCES } from './regions.js';
import { RelayEye, wordsOf } from './relay-eye.js';
import { plantSample } from './sample.js';
import { Store } from './store.js';

/** Something that moved on a line, for the eye. */
export interface Packet {
  readonly id: number;
  readonly device: DeviceName;
  readonly direction: 'up' | 'down';
  readonly isLost: boolean;
}

export interface SceneState extends Conditions {
  readonly phase: 'opening' | 'ready' | 'failed';
  readonly offline: Readonly<Record<DeviceName, boolean>>;
  /** The lie that waits for its moment. */
  readonly lie: Lie | null;
  /** What the phone caught the relay at. */
  readonly caught: Misbehaviour | null;
  readonly packets: readonly Packet[];
}

export const LIES: Readonly<Record<Lie, string>> = { omit: 'Leave a change out', replay: 'Show an old change again', alter: 'Alter a sealed byte' };

const PACKETS_MAX = 16;
const PACKET_MS = 900;
/** So that the steps of a change of region can be read. */
const STEP_MS = 450;
const MOVE_MS_MAX = 15_000;

export class Scene {
  readonly state = new Store<SceneState>({ phase: 'opening', roundTripMs: 0, loss: 0, isCut: false, offline: { laptop: false, phone: false }, lie: null, caught: null, packets: [] });
  readonly laptop: DemoDevice;
  readonly phone: DemoDevice;
  readonly eye: RelayEye;
  /** Takes both devices to another distance; it is the same relay, so everything it holds is there. */
  readonly mover: RegionMover;
  readonly #liar = new Liar();
  #packetId = 0;

  constructor() {
    const conditions = (): Conditions => this.state.getSnapshot();
    this.eye = new RelayEye(() => wordsOf(this.laptop.note.toString()));
    const passes = (message: Uint8Array): readonly Uint8Array[] => [message];
    this.laptop = new DemoDevice('laptop', conditions, this.#watcher('laptop', passes));
    this.phone = new DemoDevice('phone', conditions, this.#watcher('phone', (message) => this.#lied(message)));
    this.mover = {
      move: async ({ id }, step) => {
        step('pausing');
        for (const device of this.#devices) device.provider.disconnect();
        await pause(STEP_MS);
        step('connecting');
        this.state.patch({ roundTripMs: DISTANCES.find((place) => place.id === id)?.roundTripMs ?? 0 });
        for (const device of this.#online) device.provider.connect();
        await pause(STEP_MS);
        step('resuming');
        const { signal } = within(MOVE_MS_MAX);
        await Promise.all(this.#online.map(async (device) => (await device.provider.space).whenSynced({ signal })));
        return { verified: true };
      },
    };
  }

  async open(): Promise<void> {
    try {
      const { link, isNew } = await linkOfPage(await relayOfPage());
      await Promise.all(this.#devices.map((device) => device.open(link)));
      await this.#watchPhone();
      if (isNew) plantSample(this.laptop);
      this.state.patch({ phase: 'ready' });
    } catch {
      this.state.patch({ phase: 'failed' });
    }
  }

  setOffline(name: DeviceName, isOffline: boolean): void {
    const { offline } = this.state.getSnapshot();
    this.state.patch({ offline: { ...offline, [name]: isOffline } });
    const { provider } = this[name];
    if (isOffline) provider.disconnect();
    else provider.connect();
  }

  setRoundTrip(roundTripMs: number): void {
    this.state.patch({ roundTripMs });
  }

  setLoss(loss: number): void {
    this.state.patch({ loss });
  }

  /** Cuts both lines and lets nothing through any more. */
  killRelay(): void {
    this.state.patch({ isCut: true });
    for (const device of this.#devices) device.line.cut();
  }

  startRelay(): void {
    this.state.patch({ isCut: false });
    for (const device of this.#online) device.provider.connect();
  }

  lie(lie: Lie): void {
    this.#liar.begin(lie);
    this.state.patch({ lie });
  }

  /** The phone goes on with the relay as it is: as a new device, because one that was shown a fork stays apart from that log for good. */
  async forgive(): Promise<void> {
    this.#liar.end();
    const { offline } = this.state.getSnapshot();
    this.state.patch({ lie: null, caught: null, offline: { ...offline, phone: false } });
    await this.phone.reopen();
    await this.#watchPhone();
  }

  async #watchPhone(): Promise<void> {
    const space = await this.phone.provider.space;
    space.on('misbehaviour', (caught) => this.state.patch({ caught, lie: null }));
  }

  get #devices(): readonly DemoDevice[] {
    return [this.laptop, this.phone];
  }

  get #online(): readonly DemoDevice[] {
    const { offline } = this.state.getSnapshot();
    return this.#devices.filter(({ name }) => !offline[name]);
  }

  #lied(message: Uint8Array): readonly Uint8Array[] {
    return this.#liar.take(message);
  }

  #watcher(name: DeviceName, change: (message: Uint8Array) => readonly Uint8Array[]): ConstructorParameters<typeof DemoDevice>[2] {
    return {
      sent: (message) => this.eye.takeFromDevice(this[name].key, message),
      received: (message) => {
        this.eye.takeFromRelay(this[name].key, message);
        return change(message);
      },
      moved: (direction, isLost) => this.#show(name, direction, isLost),
    };
  }

  #show(device: DeviceName, direction: 'up' | 'down', isLost: boolean): void {
    const { packets } = this.state.getSnapshot();
    if (packets.length >= PACKETS_MAX) return;
    const id = (this.#packetId += 1);
    this.state.patch({ packets: [...packets, { id, device, direction, isLost }] });
    setTimeout(() => this.state.patch({ packets: this.state.getSnapshot().packets.filter((packet) => packet.id !== id) }), PACKET_MS);
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

function within(delayMs: number): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(delayMs) };
}
