// A page with every component in each of its states, and handles for the tests that drive it.
import { StrictMode, useState } from 'react';
import type { ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { ClientError, openSpace } from '../../../src/client/index.js';
import { live } from '../../../src/client/live/index.js';
import { WebPairingStorage, joinSpace, offerPairing } from '../../../src/client/pairing/index.js';
import { RegionClient } from '../../../src/client/region/index.js';
import type { FailoverState, MeasuredRegion, RegionMover, RegionsState, Space } from '../../../src/client/index.js';
import { SpaceProvider, useConnectionStatus, useFailover, usePresence, useSealrelay, useSpace } from '../../../src/react/index.js';
import type { CodePairing, CodePairingState, Failover } from '../../../src/react/index.js';
import { ConnectionBadge } from '../../../src/react/connection-badge.js';
import { FailoverNotice } from '../../../src/react/failover-notice.js';
import { DeviceList } from '../../../src/react/device-list.js';
import { JoinSpace } from '../../../src/react/join-space.js';
import { PairDevice } from '../../../src/react/pair-device.js';
import { RegionSelector } from '../../../src/react/region-selector.js';
import { SyncIndicator } from '../../../src/react/sync-indicator.js';
import { SpaceDouble, deviceOf } from './space-double.js';

const LATENCIES: Readonly<Record<string, number | null>> = { frankfurt: 14, ireland: 36, virginia: 92, oregon: 158, tokyo: null };
const REGIONS: readonly Omit<MeasuredRegion, 'latencyMs'>[] = [
  { id: 'frankfurt', name: 'EU Central', location: 'Frankfurt', endpoint: 'https://frankfurt.example', status: 'unknown' },
  { id: 'ireland', name: 'EU West', location: 'Ireland', endpoint: 'https://ireland.example', status: 'degraded' },
  { id: 'virginia', name: 'US East', location: 'Virginia', endpoint: 'https://virginia.example', status: 'unknown' },
  { id: 'oregon', name: 'US West', location: 'Oregon', endpoint: '', status: 'unknown' },
  { id: 'tokyo', name: 'Asia East', location: 'Tokyo', endpoint: 'https://tokyo.example', status: 'unknown' },
];
const never = new Promise<never>(() => undefined);

/** Relays with a known latency; `tokyo` is down. */
const world = (async (input: string) => {
  const url = new URL(input);
  if (url.pathname === '/regions') return Response.json({ regions: REGIONS });
  const latency = LATENCIES[url.hostname.split('.')[0] ?? ''];
  if (typeof latency !== 'number') throw new TypeError('no answer');
  await new Promise((resolve) => setTimeout(resolve, latency));
  return new Response(null);
}) as typeof fetch;

const arrivals: (() => void)[] = [];
const arrive = (): Promise<void> => new Promise((resolve) => arrivals.push(resolve));
const mover: RegionMover = {
  async move({ id }, step) {
    await arrive();
    step('connecting');
    await arrive();
    if (id === 'ireland') throw new Error('refused');
    step('resuming');
    await arrive();
    return { verified: true };
  },
};
const client = (options: Partial<ConstructorParameters<typeof RegionClient>[0]> = {}): RegionClient => new RegionClient({ origin: 'https://frankfurt.example', current: 'virginia', fetch: world, mover, ...options });

function spaceDouble(change: (double: SpaceDouble) => void = () => undefined): SpaceDouble {
  const double = new SpaceDouble();
  double.known = [deviceOf('3fa9', { own: true }), deviceOf('b27c', { rights: 'write' }), deviceOf('90de', { rights: 'read' }), deviceOf('77aa', { name: 'Lost phone', leaving: true })];
  change(double);
  return double;
}

const status = (status: 'online' | 'connecting' | 'offline' | 'failed'): SpaceDouble => spaceDouble((double) => (double.status = { status, error: null }));
const main = spaceDouble();
const NOTHING: CodePairingState = { phase: 'idle', code: null, link: null, expiresAt: null, device: null, error: null };
const WORDS = 'galaxy whisper auction mercy velvet canyon';
const PAIRINGS: readonly CodePairingState[] = [
  NOTHING,
  { ...NOTHING, phase: 'opening' },
  { ...NOTHING, phase: 'offered', code: WORDS, link: `sealrelay://relay.example/#k=${'A'.repeat(43)}&p=${WORDS.replaceAll(' ', '-')}`, expiresAt: 1_800_000_000_000 },
  { ...NOTHING, phase: 'confirming', code: WORDS },
  { ...NOTHING, phase: 'paired', device: { device: 'ab', name: 'Kitchen tablet' } },
  { ...NOTHING, phase: 'failed', error: { code: 'pairing_wrong_code', message: '', hint: null } },
];
const pairingIn = (state: CodePairingState): CodePairing => ({ subscribe: () => () => undefined, getSnapshot: () => state, offer: async () => undefined, cancel: () => undefined });
const CODES = PAIRINGS.map(pairingIn);
const saved = { relay: spaceDouble(), here: spaceDouble((double) => (double.hasUnsyncedChanges = true)), full: spaceDouble((double) => (double.hasUnsyncedChanges = true)), devices: spaceDouble() };

const PLACES: Readonly<Record<string, string>> = { frankfurt: 'Frankfurt', tokyo: 'Tokyo' };
const placeOf = (id: string): string => PLACES[id] ?? id;

/** A failover whose state a test sets. */
class FailoverDouble {
  #state: FailoverState = { phase: 'settled', space: main.space, regionId: 'frankfurt', failedOver: false, regions: IN_FRANKFURT, error: null };
  readonly #listeners = new Set<() => void>();
  readonly getSnapshot = (): FailoverState => this.#state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get listening(): number {
    return this.#listeners.size;
  }

  change(change: Partial<FailoverState>): this {
    this.#state = { ...this.#state, ...change };
    for (const listener of [...this.#listeners]) listener();
    return this;
  }
}
const IN_FRANKFURT: FailoverState['regions'] = [{ id: 'frankfurt', health: 'well' }, { id: 'tokyo', health: 'well' }];
const IN_TOKYO: Partial<FailoverState> = { regionId: 'tokyo', failedOver: true, regions: [{ id: 'frankfurt', health: 'down' }, { id: 'tokyo', health: 'well' }] };
const driven = new FailoverDouble();
const FAILOVERS: readonly Failover[] = [new FailoverDouble().change(IN_TOKYO), new FailoverDouble().change({ ...IN_TOKYO, regions: IN_FRANKFURT }), new FailoverDouble().change({ phase: 'unreachable' })];

/** How a try to join ends is the test's to say. */
const tries: { readonly code: string; readonly signal: AbortSignal; readonly end: (error: string | null) => void }[] = [];
const tryToJoin = (code = '', signal: AbortSignal): Promise<Pick<Space, 'close'>> =>
  new Promise((resolve, reject) => {
    const space = { close: async () => void (joined.closed += 1) };
    tries.push({ code, signal, end: (error) => (error === null ? resolve(space) : reject(new ClientError(error, 'no words for it'))) });
  });
const joined = { spaces: 0, closed: 0 };

const JOINING = new WebPairingStorage(sessionStorage);

/** An app that does not know yet which space it is in. */
function Newcomer({ relay }: { readonly relay: string }): ReactNode {
  const [space, setSpace] = useState<Space | null>(null);
  return (
    <main>
      <h1>Welcome</h1>
      <output id="space">{space?.id ?? ''}</output>
      <JoinSpace join={(code, signal) => joinSpace({ code, relay, signal, pairing: JOINING, deviceName: 'Page' })} pairing={JOINING} onJoined={(joined) => setSpace(joined)} />
    </main>
  );
}

function WhereSpaceIs(): ReactNode {
  const { regionId, news } = useFailover();
  const space = useSpace();
  return <output id="where">{`${regionId} ${news?.kind ?? 'well'} ${space === null ? 'no space' : 'a space'}`}</output>;
}

function In({ double, children }: { readonly double: SpaceDouble | null; readonly children: ReactNode }): ReactNode {
  return <SpaceProvider space={double?.space ?? null}>{children}</SpaceProvider>;
}

function Gallery(): ReactNode {
  return (
    <main>
      <h1>Components</h1>
      <div className="columns">
        <div id="live">
          <SpaceProvider space={main.space} regions={REGION_CLIENT}>
            <RegionSelector />
          </SpaceProvider>
        </div>
        <div id="chosen">
          <RegionSelector client={SETTLED} labels={{ title: 'Region, chosen only' }} />
        </div>
        <RegionSelector client={LOADING} labels={{ title: 'Region, loading' }} />
        <RegionSelector client={FAILED} labels={{ title: 'Region, no list' }} />
        <div id="pair">
          <In double={main}>
            <PairDevice />
          </In>
        </div>
        {CODES.map((code) => {
          const { phase } = code.getSnapshot();
          return (
            <div key={phase} id={`code-${phase}`}>
              <SpaceProvider space={main.space} pairing={code}>
                <PairDevice labels={{ title: `Add a device: ${phase}` }} />
              </SpaceProvider>
            </div>
          );
        })}
        <div id="devices">
          <In double={main}>
            <DeviceList present={new Set([deviceOf('b27c').device])} labels={{ nameOf: ({ device, name }) => name ?? NAMES[device.slice(0, 4)] ?? device.slice(0, 8) }} />
          </In>
        </div>
        <div id="join">
          <JoinSpace join={tryToJoin} onJoined={() => void (joined.spaces += 1)} />
        </div>
        <div id="slip">
          <JoinSpace join={(code) => joinSpace({ code })} onJoined={() => undefined} labels={{ title: 'Join, with a slip' }} />
        </div>
        <div id="failover">
          <SpaceProvider failover={driven}>
            <FailoverNotice nameOf={placeOf} />
            <WhereSpaceIs />
          </SpaceProvider>
        </div>
        {FAILOVERS.map((failover, at) => (
          <FailoverNotice key={at} failover={failover} nameOf={placeOf} />
        ))}
        <div className="pills">
          {(['online', 'connecting', 'offline', 'failed'] as const).map((name) => (
            <In key={name} double={BADGES[name]}>
              <ConnectionBadge />
            </In>
          ))}
          <In double={null}>
            <SyncIndicator />
          </In>
          {Object.entries(saved).map(([name, double]) => (
            <In key={name} double={double}>
              <SyncIndicator />
            </In>
          ))}
        </div>
      </div>
    </main>
  );
}

const NAMES: Readonly<Record<string, string>> = { '3fa9': 'Study laptop', b27c: 'Ana’s phone', '90de': 'Kitchen tablet' };
const BADGES = { online: status('online'), connecting: status('connecting'), offline: status('offline'), failed: status('failed') };
const REGION_CLIENT = client();
const SETTLED = new RegionClient({ origin: 'https://frankfurt.example', current: 'frankfurt', fetch: world });
const LOADING = client({ fetch: () => never });
const FAILED = client({ fetch: () => Promise.reject(new TypeError('no network')) });

const pairingOf = (space: Space): CodePairing => offerPairing({ space, storage: new WebPairingStorage(sessionStorage) });

/** An app of a stranger: a real space, opened by the provider, with all of the hooks at once. */
function App(): ReactNode {
  const { space, error } = useSealrelay();
  const { status } = useConnectionStatus();
  const present = usePresence({ name: 'the page' });
  return (
    <main>
      <h1>{error?.message ?? status}</h1>
      <output id="space">{space?.id ?? ''}</output>
      <output id="present">{JSON.stringify(present.map(({ state }) => state))}</output>
      <button type="button" onClick={() => space?.push(new TextEncoder().encode('from the page'))}>
        Push
      </button>
      <ConnectionBadge />
      <SyncIndicator />
      <DeviceList present={new Set(present.map(({ device }) => device))} />
      <PairDevice />
    </main>
  );
}

const handles = {
  opened: 0,
  openNow: 0,
  mostOpen: 0,
  arrive: () => arrivals.shift()?.(),
  double: main,
  joined,
  newcomer: (relay: string): void => root.render(<StrictMode><Newcomer relay={relay} /></StrictMode>),
  /** Ends the last try to join, and says what it was. */
  endTry(error: string | null): { readonly code: string; readonly aborted: boolean; readonly tries: number } {
    const last = tries.at(-1);
    last?.end(error);
    return { code: last?.code ?? '', aborted: last?.signal.aborted ?? false, tries: tries.length };
  },
  inTokyo: IN_TOKYO,
  failover: (change: Partial<FailoverState>): void => void driven.change(change),
  listening: () => [main, driven, ...Object.values(saved), ...Object.values(BADGES)].reduce((sum, { listening }) => sum + listening, 0),
  gallery(): void {
    root.render(
      <StrictMode>
        <Gallery />
      </StrictMode>,
    );
    // Seen by both others, after the components listen.
    setTimeout(() => {
      const write = { seenBy: ['b27c', '90de'] };
      saved.devices.push(write);
      saved.devices.sync(write);
      saved.full.emit('error', { code: 'quota_exceeded' } as never);
    }, 50);
  },
  app(link: string): void {
    const open = async (): Promise<Space> => {
      handles.opened += 1;
      handles.openNow += 1;
      handles.mostOpen = Math.max(handles.mostOpen, handles.openNow);
      const space = await openSpace({ link, parts: [live] });
      const close = space.close.bind(space);
      space.close = async () => {
        await close();
        handles.openNow -= 1;
      };
      return space;
    };
    root.render(
      <StrictMode>
        <SpaceProvider open={open} pairing={pairingOf}>
          <App />
        </SpaceProvider>
      </StrictMode>,
    );
  },
  /** What a page of this origin finds out about the regions of a relay. */
  async regions(origin: string): Promise<RegionsState> {
    const found = new RegionClient({ origin });
    await found.refresh();
    return found.getSnapshot();
  },
  unmount: () => root.unmount(),
};
export type GalleryHandles = typeof handles;

const root = createRoot(document.getElementById('root') ?? document.body);
Object.assign(globalThis, { handles });
