// One device: its note, its drawing, and how it stands with the relay.
import { useEffect, useRef } from 'react';
import type { ReactNode } from 'react';
import { ConnectionBadge } from '../react/connection-badge.js';
import { SpaceProvider } from '../react/index.js';
import { SyncIndicator } from '../react/sync-indicator.js';
import type { DemoDevice, DeviceName } from './demo-device.js';
import { Drawing } from './drawing.js';
import { DeviceIcon } from './marks.js';
import type { Scene } from './scene.js';
import { bindText } from './text-binding.js';
import { useValue } from './use-value.js';

const TITLES: Readonly<Record<DeviceName, string>> = { laptop: 'Laptop', phone: 'Phone' };
const CONNECTION_LABELS = { offline: 'Offline', connecting: 'Reconnecting …', failed: 'Refuses the relay' } as const;

export function DeviceCard({ scene, device }: { readonly scene: Scene; readonly device: DemoDevice }): ReactNode {
  const { offline } = useValue(scene.state);
  const space = useValue(device.space);
  const { name } = device;
  const isOffline = offline[name];
  return (
    <section className={`device device-${name}`} aria-labelledby={`${name}-title`}>
      <header className="device-head">
        <h2 id={`${name}-title`}>
          <DeviceIcon name={name} /> {TITLES[name]}
        </h2>
        <button type="button" className="switch" role="switch" aria-checked={isOffline} disabled={space === null} onClick={() => scene.setOffline(name, !isOffline)}>
          <span className="switch-track" aria-hidden="true" /> Offline
        </button>
      </header>
      <Note device={device} />
      <Drawing device={device} />
      <footer className="device-foot">
        <SpaceProvider space={space}>
          <ConnectionBadge labels={CONNECTION_LABELS} />
          <SyncIndicator labels={{ here: 'Kept here', relay: 'On the relay', devices: () => 'On both devices', unknown: 'Opening …' }} />
        </SpaceProvider>
      </footer>
    </section>
  );
}

function Note({ device }: { readonly device: DemoDevice }): ReactNode {
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => (area.current === null ? undefined : bindText(area.current, device.note)), [device]);
  return <textarea ref={area} id={`${device.name}-note`} className="note" aria-label={`Note on the ${device.name}`} placeholder="Write something …" spellCheck={false} dir="auto" rows={6} />;
}
