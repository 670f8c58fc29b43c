'use client';
// How far the newest change has come: here, at the relay, on other devices. Each step is one somebody signed for.
import type { ReactNode } from 'react';
import { Icon } from './icons.js';
import type { Blocked, SyncStatus } from './sync-store.js';
import { useSealrelay } from './provider.js';
import { useSyncStatus } from './use-sync-status.js';

export interface SyncLabels {
  readonly unknown: string;
  /** The space could not be opened. */
  readonly failed: string;
  readonly here: string;
  /** It is here, and something stands in its way. */
  readonly blocked: Readonly<Record<Blocked, string>>;
  readonly relay: string;
  readonly devices: (seenBy: number, others: number) => string;
}

export const SYNC_LABELS: SyncLabels = {
  unknown: 'Opening …',
  failed: 'Not opened',
  here: 'On this device so far',
  blocked: {
    quota_exceeded: 'No room at the relay: kept on this device',
    storage_full: 'This device is full: leave the page open',
    storage_failed: 'This device cannot store: leave the page open',
  },
  relay: 'Saved at the relay',
  devices: (seenBy, others) => (others > 1 ? `On ${Math.min(seenBy, others)} of ${others} other devices` : 'On your other device'),
};

export interface SyncIndicatorProps {
  readonly labels?: Partial<SyncLabels> | undefined;
  readonly className?: string | undefined;
}

const REACHED: readonly SyncStatus['saved'][] = ['here', 'relay', 'devices'];

/** How far the newest change has come: here, at the relay, on other devices. */
export function SyncIndicator({ labels, className = '' }: SyncIndicatorProps): ReactNode {
  const words = { ...SYNC_LABELS, ...labels };
  const { saved, blocked, seenBy, others } = useSyncStatus();
  const { error } = useSealrelay();
  const said = saved === 'devices' ? words.devices(seenBy, others) : blocked !== null ? words.blocked[blocked] : words[saved === 'unknown' && error !== null ? 'failed' : saved];
  const reached = REACHED.indexOf(saved);
  return (
    <span className={`sr sr-pill sr-sync sr-sync-${saved} ${className}`} role="status">
      <span className="sr-track" aria-hidden="true">
        {REACHED.map((step, index) => (
          <span key={step} className={index <= reached ? 'sr-stop sr-stop-on' : 'sr-stop'} />
        ))}
      </span>
      {saved === 'devices' && <Icon name="good" />}
      {blocked !== null && <Icon name="fair" />} <span>{said}</span>
    </span>
  );
}
