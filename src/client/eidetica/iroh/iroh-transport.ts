// Ways to peers, and ways in which they come, by iroh: encrypted QUIC connections between endpoints that are named by their keys, directly
// or through relays of iroh. Without another wish nothing but direct addresses is used, and nobody else is asked where a peer is.
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { ClientError } from '../../client-error.js';
import { platformEnvironment } from '../../environment.js';
import type { Environment } from '../../environment.js';
import { ANSWER_BYTES_MAX, REQUEST_TIMEOUT_MS } from '../limits.js';
import type { SyncHandler } from '../serve/sync-handler.js';
import type { Prove, SyncListener, SyncServer, SyncTransport } from '../transport.js';
import type { Address, SyncRequest } from '../wire.js';
import { addressOf, packageAddress, readIrohAddress } from './iroh-address.js';
import type { ReadAddress } from './iroh-address.js';
import { loadIroh } from './iroh-package.js';
import type { IrohConnection, IrohEndpoint, IrohPackage } from './iroh-package.js';
import { IrohServing } from './iroh-serving.js';
import { abandon, behindLine, readAll, within, writeAll } from './pieces.js';
import { alpnBytes, channelOf, PEER_BYTES_MAX, PLAIN_ALPN, PROVEN_ALPN } from './protocol.js';

/** The endpoint has a key of its own: the relays of iroh have endpoints sign 32 bytes, as handshakes of this system do, and neither may be good for the other. */
const KEY_DOMAIN = 'sealrelay/eidetica/iroh/v1';
/** Connections that are kept; beyond, the oldest is closed. */
const CONNECTIONS_KEPT_MAX = 128;
/** How often is looked whether the endpoint knows its addresses, and how many times. */
const ADDRESS_LOOK_MS = 50;
const ADDRESS_LOOKS_MAX = 40;

export interface IrohOptions {
  /** The 32 secret bytes of this device's key; the endpoint's key is made of them. */
  readonly seed: Uint8Array;
  /** Local addresses, at most one of IPv4 and one of IPv6; all of the machine without it. Name both, `127.0.0.1:0` and `[::1]:0`, to stay on this machine. */
  readonly bind?: readonly string[];
  /** `none` (also without it): direct addresses only; `n0`: public relays and discovery of the makers of iroh, who then learn who speaks to whom; or URLs of relays of your own. */
  readonly relays?: 'none' | 'n0' | readonly string[];
  /** Milliseconds for a request and its answer. */
  readonly timeoutMs?: number;
  readonly environment?: Pick<Environment, 'after'>;
}

/** The way to peers by iroh: encrypted QUIC connections between endpoints that are named by their keys. */
export class IrohTransport implements SyncTransport, SyncListener {
  readonly requestBytesMax: number = PEER_BYTES_MAX;
  readonly #iroh: IrohPackage;
  readonly #endpoint: IrohEndpoint;
  readonly #environment: Pick<Environment, 'after'>;
  readonly #timeoutMs: number;
  readonly #connections = new Map<string, Promise<IrohConnection>>();
  #serving: IrohServing | null = null;
  #isAccepting = false;

  private constructor(iroh: IrohPackage, endpoint: IrohEndpoint, { environment = platformEnvironment(), timeoutMs = REQUEST_TIMEOUT_MS }: IrohOptions) {
    [this.#iroh, this.#endpoint, this.#environment, this.#timeoutMs] = [iroh, endpoint, environment, timeoutMs];
  }

  /** Opens an endpoint; close it in the end. Rejects with `iroh_missing` where the package @number0/iroh is not installed. */
  static async open(options: IrohOptions): Promise<IrohTransport> {
    const { seed, bind = [], relays = 'none' } = options;
    if (seed.length !== 32) throw new ClientError('bad_option', 'seed is 32 bytes');
    const iroh = await loadIroh();
    try {
      const builder = iroh.Endpoint.builder();
      if (relays === 'n0') builder.applyN0();
      else {
        builder.applyMinimal();
        builder.relayMode(relays === 'none' ? iroh.RelayMode.disabled() : iroh.RelayMode.customFromUrls([...relays]));
      }
      builder.secretKey([...hkdf(sha256, seed, undefined, new TextEncoder().encode(KEY_DOMAIN), 32)]);
      for (const address of bind) builder.bindAddr(address);
      return new IrohTransport(iroh, await builder.bind(), options);
    } catch (cause) {
      throw new ClientError('cannot_listen', `no endpoint of iroh could be opened: ${firstLine(cause)}`, { cause, hint: 'Are the addresses to bind of this machine, and free?' });
    }
  }

  /** What peers connect to, as far as the endpoint knows now. */
  get address(): Address {
    return addressOf(this.#endpoint);
  }

  canReach(address: Address): boolean {
    return address.transport_type === 'iroh';
  }

  channelTo(address: Address): Uint8Array {
    return channelOf(Uint8Array.from(this.#endpoint.id().toBytes()), readIrohAddress(address.address).id);
  }

  async send(address: Address, request: SyncRequest, prove?: Prove): Promise<unknown> {
    const to = readIrohAddress(address.address);
    const body = new TextEncoder().encode(JSON.stringify(request));
    const answer = prove === undefined ? await this.#exchange(to, PLAIN_ALPN, body) : await this.#exchange(to, PROVEN_ALPN, behindLine(await prove(body, this.channelTo(address)), body));
    if (typeof answer === 'object' && answer !== null && 'Busy' in answer) throw new ClientError('peer_busy', `the peer is busy: ${String(answer.Busy)}`, { temporary: true });
    return answer;
  }

  async #exchange(to: ReadAddress, alpn: string, message: Uint8Array): Promise<unknown> {
    const name = `${to.idText} ${alpn}`;
    let text: string;
    try {
      text = await within(this.#environment, this.#timeoutMs, this.#ask(to, alpn, name, message));
    } catch (cause) {
      // Whatever went wrong, the next request begins anew.
      this.#connections.delete(name);
      if (cause instanceof ClientError) throw cause;
      throw new ClientError('peer_unreachable', `the peer could not be reached: ${firstLine(cause)}`, { temporary: true, cause, hint: 'Is the peer running, and are its direct addresses right?' });
    }
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new ClientError('peer_misbehaved', 'the peer did not answer with JSON', { cause });
    }
  }

  async #ask(to: ReadAddress, alpn: string, name: string, message: Uint8Array): Promise<string> {
    const stream = await this.#stream(to, alpn, name);
    let bytes = 0;
    try {
      await writeAll(stream, message);
      const answer = await readAll(stream, new Uint8Array(), (more) => {
        bytes += more;
        if (bytes > ANSWER_BYTES_MAX) throw new ClientError('peer_misbehaved', `the peer's answer has more than ${ANSWER_BYTES_MAX} bytes`);
      });
      return new TextDecoder().decode(answer);
    } catch (cause) {
      abandon(stream);
      throw cause;
    }
  }

  /** A stream of the connection that is kept, or of a new one where that has ended meanwhile. */
  async #stream(to: ReadAddress, alpn: string, name: string): Promise<Awaited<ReturnType<IrohConnection['openBi']>>> {
    const kept = this.#connections.get(name);
    if (kept !== undefined) {
      const stream = await kept.then((connection) => connection.openBi()).catch(() => null);
      if (stream !== null) return stream;
      this.#connections.delete(name);
    }
    const connecting = this.#endpoint.connect(packageAddress(this.#iroh, to), alpnBytes(alpn));
    this.#connections.set(name, connecting);
    for (const [oldest, connection] of this.#connections) {
      if (this.#connections.size <= CONNECTIONS_KEPT_MAX) break;
      this.#connections.delete(oldest);
      void connection.then((one) => one.close(0n, []), () => undefined);
    }
    return (await connecting).openBi();
  }

  /** Answers peers that come to this endpoint. */
  async listen(handler: SyncHandler): Promise<SyncServer> {
    if (this.#serving !== null) throw new ClientError('cannot_listen', 'this endpoint serves already');
    const serving = new IrohServing(this.#endpoint, handler);
    this.#serving = serving;
    this.#endpoint.setAlpns([PLAIN_ALPN, PROVEN_ALPN].map(alpnBytes));
    if (!this.#isAccepting) void this.#accept();
    return {
      address: await this.#knownAddress(),
      close: async () => {
        if (this.#serving === serving) {
          this.#serving = null;
          this.#endpoint.setAlpns([]);
        }
        await serving.close();
      },
    };
  }

  /** One loop for as long as the endpoint is open, whoever serves. */
  async #accept(): Promise<void> {
    this.#isAccepting = true;
    for (;;) {
      const incoming = await this.#endpoint.acceptNext().catch(() => null);
      if (incoming === null) return;
      // A connection that fails is its peer's to try again.
      const taken = this.#serving === null ? incoming.refuse() : this.#serving.take(incoming);
      taken.catch(() => undefined);
    }
  }

  /** An endpoint finds the addresses of its machine a moment after it was opened. */
  async #knownAddress(): Promise<Address> {
    for (let looks = 0; looks < ADDRESS_LOOKS_MAX && this.#endpoint.addr().directAddresses().length === 0; looks += 1) {
      await new Promise<void>((resolve) => this.#environment.after(ADDRESS_LOOK_MS, resolve));
    }
    return this.address;
  }

  /** Closes the endpoint and all of its connections. */
  async close(): Promise<void> {
    await this.#serving?.close();
    this.#serving = null;
    await this.#endpoint.close();
  }
}

/** What the package says fills pages. */
function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0]?.slice(0, 200) ?? '';
}
