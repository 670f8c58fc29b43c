'use client';
// One word on the connection, with a mark: for a corner of an app.
import type { ReactNode } from 'react';
import type { ConnectionStatus } from '../client/index.js';
import { Icon } from './icons.js';
import type { IconName } from './icons.js';
import { useConnectionStatus } from './use-connection-status.js';

export type ConnectionLabels = Readonly<Record<ConnectionStatus, string>>;

export const CONNECTION_LABELS: ConnectionLabels = {
  online: 'Online',
  connecting: 'Connecting …',
  offline: 'Offline: changes stay here',
  failed: 'Not connected',
  closed: 'Closed',
};
const ICONS: Readonly<Record<ConnectionStatus, IconName>> = { online: 'good', connecting: 'busy', offline: 'fair', failed: 'bad', closed: 'open' };

export interface ConnectionBadgeProps {
  readonly labels?: Partial<ConnectionLabels> | undefined;
  readonly className?: string | undefined;
}

/** One word on the connection, with a mark. */
export function ConnectionBadge({ labels, className = '' }: ConnectionBadgeProps): ReactNode {
  const { status, error } = useConnectionStatus();
  return (
    <span className={`sr sr-pill sr-state-${status} ${className}`} role="status" title={error?.hint ?? error?.message}>
      <Icon name={ICONS[status]} /> <span>{{ ...CONNECTION_LABELS, ...labels }[status]}</span>
    </span>
  );
}
