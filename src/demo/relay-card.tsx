// The relay between the devices: everything it gets of them, and two ways to be unkind.
import { useState } from 'react';
import type { ReactNode } from 'react';
import { RelayIcon } from './marks.js';
import { wordsIn, wordsOf, type SeenEntry } from './relay-eye.js';
import type { Lie } from './liar.js';
import { LIES, type Scene } from './scene.js';
import { useNote } from './use-note.js';
import { useValue } from './use-value.js';

export function RelayCard({ scene }: { readonly scene: Scene }): ReactNode {
  const { isCut, lie, caught } = useValue(scene.state);
  const seen = useValue(scene.eye.seen);
  const state = isCut ? 'killed' : lie !== null || caught !== null ? 'lying' : 'honest';
  return (
    <section className="relay" aria-labelledby="relay-title">
      <header className="relay-head">
        <h2 id="relay-title">
          <RelayIcon /> Relay
        </h2>
        <span className={`relay-state relay-state-${state}`} role="status">
          {{ honest: 'Running', killed: 'Killed', lying: lie === null ? 'Caught lying' : 'About to lie' }[state]}
        </span>
      </header>
      <p className="relay-lead">All it ever gets of your note and your drawing:</p>
      <div className="log" role="region" aria-label="Entries the relay holds, newest first" tabIndex={0}>
        {seen.entries.length === 0 && <p className="log-empty">Nothing yet.</p>}
        <ol>
          {seen.entries.map((entry) => (
            <Entry key={entry.key} entry={entry} />
          ))}
        </ol>
      </div>
      <dl className="figures">
        <Figure name="entries" value={seen.entryCount.toLocaleString('en')} />
        <Figure name="sealed bytes" value={seen.entryBytes.toLocaleString('en')} />
        <Figure name="presence, not kept" value={seen.liveCount.toLocaleString('en')} />
      </dl>
      <Words scene={scene} />
      <Unkind scene={scene} />
    </section>
  );
}

function Entry({ entry }: { readonly entry: SeenEntry }): ReactNode {
  const { seq, device, bytes, hex, keyEpoch } = entry;
  return (
    <li className="entry">
      <span className="entry-facts">
        <b>{seq === null ? 'seq …' : `seq ${seq}`}</b> <span>from {device}</span> <span>{bytes} bytes</span> <span>key {keyEpoch}</span>
      </span>{' '}
      <bdi className="entry-bytes" dir="ltr">
        {hex}
      </bdi>
    </li>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** The same search over what a device keeps and over what the relay got: the first shows that the second could find something. */
function Words({ scene }: { readonly scene: Scene }): ReactNode {
  const { text, state } = useNote(scene.laptop);
  const { wordsFound, messageCount } = useValue(scene.eye.seen);
  const inDevice = wordsIn(state, wordsOf(text)).length;
  return (
    <p className="words" role="note">
      Words of your note in clear: <b>{inDevice}</b> in the laptop, <b className={wordsFound.length === 0 ? 'none' : 'some'}>{wordsFound.length}</b> in {messageCount.toLocaleString('en')} messages through the relay.
    </p>
  );
}

function Unkind({ scene }: { readonly scene: Scene }): ReactNode {
  const { isCut, lie, caught } = useValue(scene.state);
  const [chosen, setChosen] = useState<Lie>('omit');
  const kinds = Object.keys(LIES) as Lie[];
  return (
    <div className="unkind">
      <div className="unkind-row">
        <button type="button" className={isCut ? 'strong' : 'danger'} aria-describedby="kill-help" onClick={() => (isCut ? scene.startRelay() : scene.killRelay())}>
          {isCut ? 'Start relay' : 'Kill relay'}
        </button>
        <p id="kill-help">Cuts both connections and refuses new ones, as when the process dies. The process itself goes on.</p>
      </div>
      <div className="unkind-row">
        <button type="button" className="danger" aria-describedby="lie-help" disabled={lie !== null || caught !== null} onClick={() => scene.lie(chosen)}>
          Lying relay
        </button>
        <div>
          <label htmlFor="lie-kind">What it does to the phone</label>
          <select id="lie-kind" value={chosen} disabled={lie !== null || caught !== null} onChange={({ target }) => setChosen(kinds.find((kind) => kind === target.value) ?? 'omit')}>
            {kinds.map((kind) => (
              <option key={kind} value={kind}>
                {LIES[kind]}
              </option>
            ))}
          </select>
        </div>
      </div>
      <p id="lie-help" className="lie-said" role="status">
        {caught === null && lie !== null ? 'Now type on the laptop, and watch the phone.' : ''}
      </p>
    </div>
  );
}
