// The page: two devices with the relay between them, and below what the network is like, where the relay is, and how to go on.
import { useMemo } from 'react';
import type { ReactNode } from 'react';
import { RegionSelector } from '../react/region-selector.js';
import { DeviceCard } from './device-card.js';
import { Seal } from './marks.js';
import { startAnew } from './place.js';
import { demoRegions } from './regions.js';
import { RelayCard } from './relay-card.js';
import type { Scene } from './scene.js';
import { useValue } from './use-value.js';
import { Wire } from './wire.js';

const ROUND_TRIP_MS_MAX = 1000;
const LOSS_PERCENT_MAX = 60;
const SNIPPET = `import { WebsocketProvider }
  from 'sealrelay/yjs';

new WebsocketProvider(
  spaceLink, 'my-room', doc,
);`;

export function App({ scene }: { readonly scene: Scene }): ReactNode {
  const { phase } = useValue(scene.state);
  return (
    <>
      <header className="top">
        <p className="brand">
          <Seal /> sealrelay
        </p>
        <h1>
          Two devices, one note, <em>and a relay that cannot read it.</em>
        </h1>
        <p className="lead">Write or draw on one side. It is sealed there, passes through the relay as the bytes you see in the middle, and is opened on the other side.</p>
      </header>
      <main>
        {phase === 'failed' && (
          <p className="alarm" role="alert">
            The devices could not be opened. Is the relay running? Reload the page, or{' '}
            <button type="button" className="inline" onClick={startAnew}>
              start with an empty one
            </button>
            .
          </p>
        )}
        <Alarm scene={scene} />
        <div className="stage">
          <DeviceCard scene={scene} device={scene.laptop} />
          <Wire scene={scene} name="laptop" />
          <RelayCard scene={scene} />
          <Wire scene={scene} name="phone" />
          <DeviceCard scene={scene} device={scene.phone} />
        </div>
        <div className="below">
          <Network scene={scene} />
          <Regions scene={scene} />
          <Next />
        </div>
      </main>
    </>
  );
}

function Alarm({ scene }: { readonly scene: Scene }): ReactNode {
  const { caught } = useValue(scene.state);
  if (caught === null) return null;
  const { attestations, frames } = caught.evidence;
  return (
    <div className="alarm" role="alert">
      <p>
        <strong>The phone caught the relay.</strong> <code>{caught.kind}</code>: {caught.detail}. Kept as evidence: {counted(attestations.length, 'head')} signed by the relay, {counted(frames.length, 'frame')} as it came. The phone has ended the
        connection; what you wrote is still on it.
      </p>
      <button type="button" className="strong" onClick={() => void scene.forgive()}>
        Go on with an honest relay
      </button>
    </div>
  );
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function Network({ scene }: { readonly scene: Scene }): ReactNode {
  const { roundTripMs, loss } = useValue(scene.state);
  return (
    <section className="card network" aria-labelledby="network-title">
      <h2 id="network-title">Network</h2>
      <label htmlFor="latency">
        Latency <output htmlFor="latency">{roundTripMs} ms</output>
      </label>
      <input id="latency" type="range" min={0} max={ROUND_TRIP_MS_MAX} step={10} value={roundTripMs} onChange={({ target }) => scene.setRoundTrip(Number(target.value))} />
      <label htmlFor="loss">
        Loss <output htmlFor="loss">{Math.round(loss * 100)} %</output>
      </label>
      <input id="loss" type="range" min={0} max={LOSS_PERCENT_MAX} step={5} value={Math.round(loss * 100)} onChange={({ target }) => scene.setLoss(Number(target.value) / 100)} />
      <p className="soft">A lost message is sent again and holds up what is behind it; five losses in a row break the connection. Nothing you wrote is lost by it.</p>
      <button type="button" className="quiet" onClick={startAnew}>
        Start with an empty note
      </button>
    </section>
  );
}

function Regions({ scene }: { readonly scene: Scene }): ReactNode {
  const client = useMemo(() => demoRegions(scene.mover), [scene]);
  return (
    <div className="regions">
      <RegionSelector client={client} />
      <p className="soft">Here one relay plays all three: choosing changes the distance, and pauses and resumes both devices as a real move does.</p>
    </div>
  );
}

function Next(): ReactNode {
  return (
    <section className="card next" aria-labelledby="next-title">
      <h2 id="next-title">Try</h2>
      <ol>
        <li>Take the phone offline, write on both sides, and bring it back.</li>
        <li>Kill the relay in the middle of a sentence.</li>
        <li>Let it lie. The phone notices by itself, and keeps the proof.</li>
        <li>Reload the page: both devices are new, and everything comes back from the relay.</li>
      </ol>
      <h2>In your app</h2>
      <pre dir="ltr" tabIndex={0} aria-label="Code for an app">
        <code>{SNIPPET}</code>
      </pre>
    </section>
  );
}
