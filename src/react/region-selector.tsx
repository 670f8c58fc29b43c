'use client';
// Shows the regions, how near each is, and takes the space to another one when the user says so.
import { useId } from 'react';
import type { ReactNode } from 'react';
import type { MeasuredRegion, RegionStatus } from '../client/index.js';
import { Icon, Lock } from './icons.js';
import type { IconName } from './icons.js';
import type { Regions } from './provider.js';
import { useRadioGroup } from './radio-group.js';
import type { RadioProps } from './radio-group.js';
import { REGION_LABELS } from './region-labels.js';
import type { RegionLabels } from './region-labels.js';
import { useRegionChoice } from './use-region-choice.js';
import type { RegionChoice } from './use-region-choice.js';

export { REGION_LABELS } from './region-labels.js';
export type { RegionLabels } from './region-labels.js';

export interface RegionSelectorProps {
  /** The regions to show; those of the provider when absent. */
  readonly client?: Regions | undefined;
  readonly labels?: Partial<RegionLabels> | undefined;
  readonly className?: string | undefined;
}

const STATUS_ICONS: Readonly<Record<RegionStatus, IconName>> = { online: 'good', degraded: 'fair', offline: 'bad', unknown: 'open' };
const STEPS = ['pausing', 'connecting', 'resuming'] as const;

/** The regions with their latency and state, to choose from; what the relay cannot see is said below. */
export function RegionSelector({ client, labels, className = '' }: RegionSelectorProps): ReactNode {
  const words = { ...REGION_LABELS, ...labels };
  const choice = useRegionChoice(client);
  const title = useId();
  const { regions, phase, switching, selectedId } = choice;
  const radios = useRadioGroup({ ids: regions.map(({ id }) => id), selected: selectedId, onSelect: choice.select, isDisabled: (id) => switching !== null || isUnavailable(regions, id, choice.currentId) });
  const isWaiting = regions.length === 0 && phase !== 'failed' && phase !== 'ready';
  return (
    <section className={`sr sr-regions ${className}`} aria-labelledby={title}>
      <header className="sr-head">
        <span className="sr-title" id={title}>
          {words.title}
        </span>
        <button className="sr-link" type="button" disabled={phase === 'loading' || switching !== null} onClick={() => void choice.refresh({ force: true })}>
          {words.again}
        </button>
      </header>
      {isWaiting && <Skeleton text={words.loading} />}
      {phase === 'failed' && <p className="sr-empty">{words.failed}</p>}
      {regions.length > 0 && (
        <div className="sr-list" {...radios.group} aria-labelledby={title}>
          {regions.map((region) => (
            <Row key={region.id} region={region} props={radios.radio(region.id)} isCurrent={region.id === choice.currentId} isSuggested={region.id === choice.suggestedId} words={words} />
          ))}
        </div>
      )}
      <Progress choice={choice} words={words} focus={radios.focus} />
      <BlindPromise words={words} />
    </section>
  );
}

function isUnavailable(regions: readonly MeasuredRegion[], id: string, currentId: string | null): boolean {
  const region = regions.find((known) => known.id === id);
  return id !== currentId && (region === undefined || region.status === 'offline' || region.endpoint === '');
}

interface RowProps {
  readonly region: MeasuredRegion;
  readonly props: RadioProps;
  readonly isCurrent: boolean;
  readonly isSuggested: boolean;
  readonly words: RegionLabels;
}

function Row({ region, props, isCurrent, isSuggested, words }: RowProps): ReactNode {
  const { name, location, status, latencyMs } = region;
  return (
    <div className="sr-row" {...props}>
      <span className="sr-dot" />
      <span className="sr-place">
        <span className="sr-name">{name}</span> <span className="sr-soft">{location}</span>
      </span>{' '}
      <span className="sr-badges">
        {isSuggested && <span className="sr-badge sr-badge-best">{words.recommended}</span>} {isCurrent && <span className="sr-badge">{words.current}</span>}
      </span>{' '}
      <span className="sr-measure">
        <bdi className="sr-latency">{latencyMs === null ? '' : words.latency(latencyMs)}</bdi>{' '}
        <span className={`sr-state sr-state-${status}`}>
          <Icon name={STATUS_ICONS[status]} /> {words.status[status]}
        </span>
      </span>
    </div>
  );
}

function Progress({ choice, words, focus }: { readonly choice: RegionChoice; readonly words: RegionLabels; readonly focus: () => void }): ReactNode {
  const { switching, regions, selectedId, choiceId, isPending } = choice;
  const nameOf = (id: string): string => regions.find((region) => region.id === id)?.name ?? id;
  // The button goes away, so the focus goes where the choice was made.
  const act = (action: () => void) => () => {
    focus();
    action();
  };
  return (
    <>
      {switching !== null && (
        <div className="sr-steps" aria-hidden="true">
          {STEPS.map((step) => (
            <span key={step} className={STEPS.indexOf(step) <= STEPS.indexOf(switching.step) ? 'sr-step sr-step-on' : 'sr-step'} />
          ))}
        </div>
      )}
      <p className="sr-said" role="status">
        {saying(choice, words, nameOf)}
      </p>
      {isPending && selectedId !== null && (
        <button className="sr-button" type="button" onClick={act(choice.confirm)}>
          {words.move(nameOf(selectedId))}
        </button>
      )}
      {!choice.canMove && choiceId !== null && (
        <button className="sr-link sr-link-start" type="button" onClick={act(choice.reset)}>
          {words.automatic}
        </button>
      )}
    </>
  );
}

function saying({ switching, moved, error, phase }: RegionChoice, words: RegionLabels, nameOf: (id: string) => string): string {
  if (switching !== null) return words.step[switching.step](nameOf(switching.to));
  if (error?.code === 'region_unreachable') return words.notMoved;
  if (error?.code === 'closed') return words.lost;
  if (error !== null && phase === 'ready') return words.stale;
  return moved === null ? '' : words.moved(nameOf(moved.to), moved.verified);
}

function BlindPromise({ words }: { readonly words: RegionLabels }): ReactNode {
  return (
    <footer className="sr-promise">
      <p>
        <Lock /> {words.promise}
      </p>
      <details>
        <summary>{words.blind}</summary>
        <ul>
          {words.unseen.map((thing) => (
            <li key={thing}>{thing}</li>
          ))}
        </ul>
        <p className="sr-soft">{words.seen}</p>
      </details>
    </footer>
  );
}

/** As tall as the rows that come, so that nothing jumps. */
function Skeleton({ text }: { readonly text: string }): ReactNode {
  return (
    <div className="sr-list" aria-busy="true">
      {[0, 1, 2].map((row) => (
        <div key={row} className="sr-row sr-skeleton">
          <span className="sr-dot" />
          <span className="sr-bar" />
          {row === 0 && <span className="sr-hidden">{text}</span>}
        </div>
      ))}
    </div>
  );
}
