'use client';
// A line on where the space is when that is not where it should be. Nothing is shown while all is well.
import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import type { Failover, FailoverNews, FailoverNewsKind } from './failover-store.js';
import { Icon } from './icons.js';
import type { IconName } from './icons.js';
import { useFailover } from './use-failover.js';

/** Each is given the names of the region in use, or gone to, and of the preferred one. */
export type FailoverLabels = Readonly<Record<FailoverNewsKind, (region: string, preferred: string) => string>>;

export const FAILOVER_LABELS: FailoverLabels = {
  moving: (region) => `Going to ${region} … What you wrote is kept here.`,
  stuck: (region) => `${region} does not open the space yet. It is tried again; what you wrote is kept here.`,
  'other-tab': () => 'This app is open in another tab, and goes on there. Close that one to go on here.',
  elsewhere: (region, preferred) => `${preferred} does not answer. You are in ${region} now; what is written reaches only devices that are there too.`,
  waiting: (region, preferred) => `${preferred} answers again; you return when that lasts. In ${region} what is written reaches only devices that are there too.`,
  unreachable: () => 'No region answers. What you write is kept here.',
  back: (region) => `Back in ${region}.`,
  again: (region) => `${region} answers again.`,
};
const ICONS: Readonly<Record<FailoverNewsKind, IconName>> = { moving: 'busy', stuck: 'fair', 'other-tab': 'fair', elsewhere: 'fair', waiting: 'fair', unreachable: 'bad', back: 'good', again: 'good' };
/** How long it is said that all is well again. */
export const GOOD_NEWS_SHOWN_MS = 10_000;

export interface FailoverNoticeProps {
  /** The failover to tell of; that of the provider when absent. */
  readonly failover?: Failover | undefined;
  /** What people call a region; its id when absent. */
  readonly nameOf?: ((id: string) => string) | undefined;
  readonly labels?: Partial<FailoverLabels> | undefined;
  readonly className?: string | undefined;
}

/** A line on where the space is when that is not where it should be; empty while all is well. */
export function FailoverNotice({ failover, nameOf = String, labels, className = '' }: FailoverNoticeProps): ReactNode {
  const { news } = useFailover(failover);
  const [old, setOld] = useState<FailoverNews | null>(null);
  useEffect(() => {
    if (news === null || ICONS[news.kind] !== 'good') return undefined;
    const timer = setTimeout(() => setOld(news), GOOD_NEWS_SHOWN_MS);
    return () => clearTimeout(timer);
  }, [news]);
  const told = news === old ? null : news;
  // The line is there while it is empty, so that what comes into it is read out.
  return (
    <p className={`sr sr-line sr-notice ${told === null ? '' : `sr-line-${ICONS[told.kind]}`} ${className}`} role="status">
      {told !== null && (
        <>
          <Icon name={ICONS[told.kind]} /> <span>{{ ...FAILOVER_LABELS, ...labels }[told.kind](nameOf(told.regionId), nameOf(told.preferredId))}</span>
        </>
      )}
    </p>
  );
}
