// The stage of one run: a relay process behind a tap, the device processes, and everything that was said or stored, so that
// it can be searched.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CanarySearch, type CanaryStream } from '../../../src/verify/canary-search.ts';
import { freePort, startRelay, type RelayProcess } from '../../support/relay-process.ts';
import { startTapProxy, type TapProxy } from '../../../src/verify/tap-proxy.ts';
import { DeviceProcess } from './device-process.ts';

export interface SceneOptions {
  readonly dir: string;
  readonly deviceProgram: string;
  /** The relay to run instead of the product: the double of the control. */
  readonly relayProgram?: string;
  readonly canaries: readonly string[];
}

export class Scene {
  readonly dataDir: string;
  readonly search: CanarySearch;
  readonly logStream: CanaryStream;
  readonly traffic = new Map<string, CanaryStream>();
  readonly devices: DeviceProcess[] = [];
  readonly adminPort: number;
  #relay: RelayProcess | undefined;
  #tap: TapProxy | undefined;
  readonly #port: number;
  readonly #options: SceneOptions;

  private constructor(options: SceneOptions, port: number, adminPort: number) {
    this.#options = options;
    this.#port = port;
    this.adminPort = adminPort;
    this.dataDir = join(options.dir, 'data');
    this.search = new CanarySearch(options.canaries);
    this.logStream = this.search.stream();
  }

  static async open(options: SceneOptions): Promise<Scene> {
    mkdirSync(options.dir, { recursive: true });
    const scene = new Scene(options, await freePort(), await freePort());
    await scene.startRelay();
    scene.#tap = await startTapProxy(
      () => scene.#port,
      (connection, direction, bytes) => scene.#tapped(`${connection} ${direction}`, bytes),
    );
    return scene;
  }

  get relay(): RelayProcess {
    if (this.#relay === undefined) throw new Error('the relay is not running');
    return this.#relay;
  }

  get trafficBytes(): { readonly toRelay: number; readonly toDevice: number } {
    return this.#tap?.bytes ?? { toRelay: 0, toDevice: 0 };
  }

  /** The relay's address as devices get it: behind the tap. */
  get tappedAddress(): string {
    return this.relay.address.replace(/:\d+\//, `:${this.#tap?.port ?? 0}/`);
  }

  get httpOrigin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async startRelay(): Promise<void> {
    const leakFile = join(this.#options.dir, 'leak');
    writeFileSync(leakFile, `${this.#options.canaries[0] ?? ''}\n`);
    this.#relay = await startRelay({
      dataDir: this.dataDir,
      port: this.#port,
      adminPort: this.adminPort,
      env: { SEALRELAY_LEAK_FILE: leakFile, LOG_LEVEL: 'trace' },
      onLine: (line) => this.logStream.push(Buffer.from(`${line}\n`)),
      ...(this.#options.relayProgram === undefined ? {} : { program: this.#options.relayProgram }),
    });
  }

  device(name: string): DeviceProcess {
    const device = new DeviceProcess(name, this.#options.deviceProgram);
    this.devices.push(device);
    return device;
  }

  async close(): Promise<void> {
    for (const device of this.devices) device.kill();
    await this.#relay?.stop();
    await this.#tap?.close();
  }

  #tapped(stream: string, bytes: Uint8Array): void {
    let found = this.traffic.get(stream);
    if (found === undefined) {
      found = this.search.stream();
      this.traffic.set(stream, found);
    }
    found.push(bytes);
  }
}
