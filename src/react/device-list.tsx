'use client';
// The devices of the space, and the way to remove one. Removing asks once more, in place.
import { useState } from 'react';
import type { ReactNode } from 'react';
import type { DeviceInfo } from '../client/index.js';
import { useDevices } from './use-devices.js';

export interface DeviceLabels {
  readonly title: string;
  readonly own: string;
  readonly present: string;
  readonly rights: Readonly<Record<DeviceInfo['rights'], string>>;
  readonly nameOf: (device: DeviceInfo) => string;
  readonly remove: (name: string) => string;
  readonly really: string;
  readonly confirm: string;
  readonly keep: string;
  readonly failed: string;
  readonly leaving: string;
  readonly empty: string;
}

export const DEVICE_LABELS: DeviceLabels = {
  title: 'Devices',
  own: 'This device',
  present: 'Here now',
  rights: { admin: 'Full access', write: 'Reads and writes', read: 'Reads' },
  // Without a name, enough of the key to tell the devices of one space apart.
  nameOf: ({ device, name }) => name ?? `Device ${device.slice(0, 4)} ${device.slice(4, 8)}`,
  remove: (name) => `Remove ${name}`,
  really: 'It will read nothing new. What it has stays on it.',
  confirm: 'Remove',
  keep: 'Keep',
  failed: 'It could not be removed.',
  leaving: 'Still to be removed. That happens as soon as the relay can be reached.',
  empty: 'No devices yet',
};

export interface DeviceListProps {
  /** Keys of the devices that are there now, for example of usePresence(). */
  readonly present?: ReadonlySet<string> | undefined;
  readonly labels?: Partial<DeviceLabels> | undefined;
  readonly className?: string | undefined;
}

/** The devices of the space, and the way to remove one. */
export function DeviceList({ present, labels, className = '' }: DeviceListProps): ReactNode {
  const words = { ...DEVICE_LABELS, ...labels };
  const { devices, canRemove, remove } = useDevices();
  return (
    <section className={`sr sr-devices ${className}`} aria-label={words.title}>
      <header className="sr-head">
        <span className="sr-title" aria-hidden="true">
          {words.title}
        </span>
      </header>
      {devices.length === 0 && <p className="sr-empty">{words.empty}</p>}
      <ul className="sr-list">
        {devices.map((device) => (
          <DeviceRow key={device.device} device={device} isPresent={present?.has(device.device) === true} remove={canRemove && !device.own ? remove : null} words={words} />
        ))}
      </ul>
    </section>
  );
}

interface RowProps {
  readonly device: DeviceInfo;
  readonly isPresent: boolean;
  readonly remove: ((device: string) => Promise<void>) | null;
  readonly words: DeviceLabels;
}

function DeviceRow({ device, isPresent, remove, words }: RowProps): ReactNode {
  const [phase, setPhase] = useState<'shown' | 'kept' | 'asking' | 'removing' | 'failed'>('shown');
  const isAsking = phase !== 'shown' && phase !== 'kept' && !device.leaving;
  const name = words.nameOf(device);
  const really = (): void => {
    setPhase('removing');
    remove?.(device.device).catch(() => setPhase('failed'));
  };
  return (
    <li className="sr-row sr-device">
      <span className="sr-place">
        <span className="sr-name">{name}</span> <span className="sr-soft">{words.rights[device.rights]}</span>
      </span>{' '}
      <span className="sr-badges">
        {device.own && <span className="sr-badge">{words.own}</span>} {isPresent && <span className="sr-badge sr-badge-best">{words.present}</span>}
      </span>
      {device.leaving && (
        <span className="sr-ask" role="status">
          {words.leaving}
        </span>
      )}
      {remove !== null && !isAsking && !device.leaving && (
        <button className="sr-link" type="button" autoFocus={phase === 'kept'} aria-label={words.remove(name)} onClick={() => setPhase('asking')}>
          {words.confirm}
        </button>
      )}
      {isAsking && (
        <span className="sr-ask">
          <span role="status">{phase === 'failed' ? words.failed : words.really}</span>
          <button className="sr-button sr-button-danger" type="button" disabled={phase === 'removing'} onClick={really}>
            {words.confirm}
          </button>
          <button className="sr-link" type="button" autoFocus disabled={phase === 'removing'} onClick={() => setPhase('kept')}>
            {words.keep}
          </button>
        </span>
      )}
    </li>
  );
}
