// Every word of the region selector, to be replaced for other languages.
import type { RegionStatus, RegionSwitchStep } from '../client/index.js';

export interface RegionLabels {
  readonly title: string;
  readonly promise: string;
  readonly blind: string;
  /** One thing each. */
  readonly unseen: readonly string[];
  readonly seen: string;
  readonly status: Readonly<Record<RegionStatus, string>>;
  readonly latency: (ms: number) => string;
  readonly recommended: string;
  readonly current: string;
  readonly loading: string;
  readonly failed: string;
  readonly again: string;
  readonly move: (name: string) => string;
  readonly automatic: string;
  readonly step: Readonly<Record<RegionSwitchStep, (name: string) => string>>;
  readonly moved: (name: string, verified: boolean) => string;
  readonly notMoved: string;
  readonly lost: string;
  readonly stale: string;
}

export const REGION_LABELS: RegionLabels = {
  title: 'Region',
  promise: 'Your data travels with you. Work on any device, stay in sync.',
  blind: 'What the relay cannot see',
  unseen: ['What you write, draw or attach', 'Names of documents, files and people', 'Keys and links that open your space'],
  seen: 'It sees sealed bytes: how large, when, and from which device key and network address.',
  status: { online: 'Online', degraded: 'Slow', offline: 'Down', unknown: 'Unknown' },
  latency: (ms) => (ms < 1 ? 'under 1 ms' : `${Math.round(ms)} ms`),
  recommended: 'Recommended',
  current: 'In use',
  loading: 'Looking for regions …',
  failed: 'The regions could not be read.',
  again: 'Measure again',
  move: (name) => `Move to ${name}`,
  automatic: 'Follow the recommendation',
  step: {
    pausing: () => 'Pausing. All you did so far is kept on this device.',
    connecting: (name) => `Connecting to ${name} …`,
    resuming: (name) => `Comparing what ${name} holds with what this device knows …`,
  },
  moved: (name, verified) => (verified ? `You are in ${name} now, with your whole history.` : `You are in ${name} now. What is missing there is sent again.`),
  notMoved: 'The region could not be changed. You are where you were, and nothing is lost.',
  lost: 'The space could not be opened again. Your data is on this device: reload the page.',
  stale: 'These are the regions of last time; the list could not be read.',
};
