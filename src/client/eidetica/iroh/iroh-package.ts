// The part of the optional package @number0/iroh that is used, and its loading. Its bytes are lists of numbers.
import { ClientError } from '../../client-error.js';

export interface IrohId {
  toBytes(): number[];
  toString(): string;
}

export interface IrohAddr {
  directAddresses(): string[];
  relayUrl(): string | null;
}

export interface IrohStream {
  readonly send: { writeAll(bytes: number[]): Promise<void>; finish(): Promise<void>; reset(code: bigint): Promise<void> };
  /** A read of nothing is the end. */
  readonly recv: { read(bytesMax: number): Promise<number[]>; stop(code: bigint): Promise<void> };
}

export interface IrohConnection {
  alpn(): number[];
  remoteId(): IrohId;
  openBi(): Promise<IrohStream>;
  acceptBi(): Promise<IrohStream>;
  close(code: bigint, reason: number[]): void;
  setMaxConcurrentBiStreams(count: bigint): void;
  setMaxConcurrentUniStreams(count: bigint): void;
}

export interface IrohIncoming {
  accept(): Promise<{ connect(): Promise<IrohConnection> }>;
  refuse(): Promise<void>;
  /** Where it comes from; only before it is accepted. */
  remoteAddr(): Promise<{ readonly kind: string; readonly addr?: string }>;
}

export interface IrohEndpoint {
  id(): IrohId;
  addr(): IrohAddr;
  setAlpns(alpns: number[][]): void;
  connect(addr: IrohAddr, alpn: number[]): Promise<IrohConnection>;
  /** Null once the endpoint is closed. */
  acceptNext(): Promise<IrohIncoming | null>;
  close(): Promise<void>;
}

interface IrohBuilder {
  applyN0(): void;
  applyMinimal(): void;
  secretKey(bytes: number[]): void;
  relayMode(mode: object): void;
  bindAddr(address: string): void;
  bind(): Promise<IrohEndpoint>;
}

export interface IrohPackage {
  readonly Endpoint: { builder(): IrohBuilder };
  readonly EndpointAddr: new (id: IrohId, relayUrl?: string | null, addresses?: string[]) => IrohAddr;
  readonly EndpointId: { fromBytes(bytes: number[]): IrohId };
  readonly RelayMode: { disabled(): object; customFromUrls(urls: string[]): object };
}

/** A name, not an import: an app without this optional package is bundled and type-checked without it. */
const OPTIONAL_PACKAGE: string = '@number0/iroh';

/** Loads it; rejects with `iroh_missing` where it is not installed, or not built for this machine. */
export async function loadIroh(name: string = OPTIONAL_PACKAGE): Promise<IrohPackage> {
  try {
    // Its manifest names a main file that is not there; Node finds the right one by itself, and warns.
    const { default: loaded }: { readonly default: IrohPackage } = await import(`${name}/index.js`).catch(() => import(name));
    return loaded;
  } catch (cause) {
    throw new ClientError('iroh_missing', `the package ${OPTIONAL_PACKAGE} cannot be loaded`, { cause, hint: `Install it beside this one: npm install ${OPTIONAL_PACKAGE}` });
  }
}
