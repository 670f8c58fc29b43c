// Transports by mode: which ways are tried, in which order, and how long each may take.
import { environmentWith } from '../environment.js';
import type { Environment } from '../environment.js';
import { toHex } from '../../protocol/hex.js';
import type { TextWebSocketConstructor } from '../transport/text-socket.js';
import type { Connection } from './connection.js';
import type { DirectNetwork } from './direct-network.js';
import { DIRECT_TIMEOUT_MS } from './limits.js';
import { Meeting } from './meeting.js';
import { MessageSeal } from './message-seal.js';
import { RelaySide } from './relay-side.js';
import type { Relay } from './relay-side.js';
import { allFailed, badOption, closed, noDirectWay, timedOut } from './transport-errors.js';
import { DEFAULT_TOPIC, defaultTransportConfig } from './transport.js';
import type { SyncConnection, SyncTransport, TransportConfig, TransportEvent, TransportMode } from './transport.js';

const MODES: readonly TransportMode[] = ['auto', 'azure-relay', 'vercel-relay', 'direct'];
const ID_BYTES = 8;

/** A transport of that mode. Throws `bad_option` for a mode without what it needs. */
export function createTransport(config: TransportConfig): SyncTransport {
  const { mode, profile = 'any' } = config;
  if (!MODES.includes(mode)) throw badOption('there is no transport of that mode');
  if (mode === 'direct' && profile === 'corporate') throw badOption('a direct way is what the corporate profile excludes');
  const relays = relaysOf(config);
  if (mode === 'auto' && relays.length === 0 && profile === 'corporate') throw badOption('the corporate profile needs a relay');
  const wantsDirect = profile !== 'corporate' && (mode === 'auto' || mode === 'direct');
  return new Transport(config, relays, wantsDirect);
}

function relaysOf({ mode, azureRelayUrl, vercelRelayUrl, token }: TransportConfig): readonly Relay[] {
  const given = [
    { name: 'azure-relay', url: azureRelayUrl },
    { name: 'vercel-relay', url: vercelRelayUrl },
  ];
  const wanted = given.filter(({ name }) => mode === 'auto' || mode === name);
  if (mode !== 'auto' && wanted.some(({ url }) => url === undefined || url === '')) throw badOption(`the URL of the relay is needed for ${mode} mode`);
  return wanted.flatMap(({ name, url }) => (url === undefined || url === '' ? [] : { name, url: withToken(url, token) }));
}

function withToken(text: string, token: string | undefined): string {
  if (!/^wss?:\/\//.test(text) || !URL.canParse(text)) throw badOption('the URL of a relay begins with wss:// or ws://');
  const url = new URL(text);
  if (token !== undefined) url.searchParams.set('token', token);
  return url.href;
}

class Transport implements SyncTransport {
  readonly name: string;
  readonly #config: TransportConfig;
  readonly #relays: readonly Relay[];
  readonly #wantsDirect: boolean;
  readonly #environment: Environment;
  readonly #seal: MessageSeal;
  readonly #timeoutMs: number;
  readonly #meetings = new Set<Meeting>();
  readonly #observe: (event: TransportEvent) => void;
  #isClosed = false;

  constructor(config: TransportConfig, relays: readonly Relay[], wantsDirect: boolean) {
    this.name = config.mode;
    this.#config = config;
    this.#relays = relays;
    this.#wantsDirect = wantsDirect;
    this.#environment = environmentWith(config.environment);
    this.#seal = new MessageSeal(config.topic ?? DEFAULT_TOPIC, config.syncKey, this.#environment.randomBytes);
    this.#timeoutMs = config.connectionTimeoutMs ?? defaultTransportConfig.connectionTimeoutMs ?? 0;
    if (!(this.#timeoutMs > 0)) throw badOption('connectionTimeoutMs is not above 0');
    this.#observe = config.observe ?? (() => undefined);
  }

  async connect(peerId: string): Promise<SyncConnection> {
    let met: (connection: Connection) => void = () => undefined;
    const first = new Promise<Connection>((resolve) => (met = resolve));
    let lost: (error: Error) => void = () => undefined;
    const meeting = this.#open(this.#seal.shownId(this.#wantsDirect ? `${peerId}~${this.#randomId()}` : peerId), true, met, (error) => lost(error));
    const errors: Error[] = [];
    for (const { name, go, limitMs } of this.#ways(meeting)) {
      const gone = new Promise<never>((_, reject) => (lost = reject));
      const connection = await this.#attempt(name, () => this.#within(Promise.race([first, gone, go().then(() => first)]), name, limitMs), errors);
      if (connection !== null) return connection;
      // A direct way may still come; a relay without a peer is left for the next one.
      meeting.relay.leave();
    }
    await meeting.close();
    throw errors.length === 1 ? errors[0] : allFailed(errors);
  }

  async listen(onConnection: (connection: SyncConnection) => void): Promise<void> {
    const meeting = this.#open(this.#wantsDirect ? `peer-${this.#randomId()}` : null, false, onConnection);
    const errors: Error[] = [];
    const ways: Promise<boolean | null>[] = [];
    if (this.#wantsDirect) ways.push(this.#attempt('direct', () => this.#within(this.#joinDirect(meeting).then(() => true), 'direct', this.#directMs), errors));
    if (this.#relays.length > 0) ways.push(meeting.relay.open().then(() => true, (cause: unknown) => (errors.push(cause as Error), null)));
    const isListening = (await Promise.all(ways)).some((outcome) => outcome !== null);
    if (this.#isClosed) throw closed();
    if (isListening) return meeting.relay.comeBack();
    await meeting.close();
    throw errors.length === 1 ? errors[0] : allFailed(errors);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#meetings].map((meeting) => meeting.close()));
  }

  #open(ownId: string | null, isShared: boolean, met: (connection: Connection) => void, lost: (error: Error) => void = () => undefined): Meeting {
    if (this.#isClosed) throw closed();
    const { webSocket = globalThis.WebSocket as TextWebSocketConstructor | undefined, direct } = this.#config;
    if (webSocket === undefined && this.#relays.length > 0) throw badOption('this platform has no WebSocket; pass one as webSocket');
    const network: DirectNetwork | null = this.#wantsDirect ? (direct ?? null) : null;
    const options = { ownId: ownId ?? '', seal: this.#seal, environment: this.#environment, direct: network, observe: this.#observe, isShared, met, lost, closed: (meeting: Meeting) => void this.#meetings.delete(meeting) };
    const side = { relays: this.#relays, topic: this.#seal.relayTopic, peerId: ownId, environment: this.#environment, openMs: this.#timeoutMs, observe: this.#observe };
    const meeting = new Meeting(options, (events) => new RelaySide({ ...side, webSocket: webSocket ?? NoWebSocket }, { joined: (id) => events.joined(id), left: (id) => events.left(id), data: (id, bytes) => events.data(id, bytes), closed: (error) => events.closed(error) }));
    this.#meetings.add(meeting);
    return meeting;
  }

  get #directMs(): number {
    const { mode, directTimeoutMs = DIRECT_TIMEOUT_MS } = this.#config;
    return mode === 'direct' ? this.#timeoutMs : Math.min(directTimeoutMs, this.#timeoutMs);
  }

  /** The ways in the order in which they are tried. */
  #ways(meeting: Meeting): { name: string; go: () => Promise<void>; limitMs: number }[] {
    const relays = this.#relays.map((relay) => ({ name: relay.name, go: () => meeting.relay.enter(relay), limitMs: this.#timeoutMs }));
    if (!this.#wantsDirect) return relays;
    return [{ name: 'direct', go: () => this.#joinDirect(meeting), limitMs: this.#directMs }, ...relays];
  }

  async #joinDirect(meeting: Meeting): Promise<void> {
    if (this.#config.direct === undefined) throw noDirectWay();
    await meeting.joinDirect();
  }

  async #attempt<T>(transport: string, work: () => Promise<T>, errors: Error[]): Promise<T | null> {
    try {
      const result = await work();
      this.#observe({ type: 'attempt', transport, outcome: 'connected', error: null });
      return result;
    } catch (cause) {
      const error = cause as Error & { readonly code?: string };
      errors.push(error);
      this.#observe({ type: 'attempt', transport, outcome: error.code === 'direct_unavailable' ? 'skipped' : 'failed', error });
      return null;
    }
  }

  #within<T>(work: Promise<T>, name: string, limitMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#environment.after(limitMs, () => reject(timedOut(name, limitMs)));
      work.then((result) => {
        timer.cancel();
        resolve(result);
      }, reject);
    });
  }

  #randomId(): string {
    return toHex(this.#environment.randomBytes(ID_BYTES));
  }
}

/** Stands where no relay is asked. */
class NoWebSocket {
  readonly readyState = 3;
  readonly bufferedAmount = 0;
  send(): void {
    throw closed();
  }
  close(): void {}
  addEventListener(): void {}
}
