// The line between a device and the relay, with what moves on it.
import type { ReactNode } from 'react';
import type { DeviceName } from './demo-device.js';
import type { Scene } from './scene.js';
import { useValue } from './use-value.js';

export function Wire({ scene, name }: { readonly scene: Scene; readonly name: DeviceName }): ReactNode {
  const { packets, isCut, offline, caught } = useValue(scene.state);
  const isBroken = isCut || offline[name] || (name === 'phone' && caught !== null);
  return (
    <div className={`wire wire-${name} ${isBroken ? 'wire-broken' : ''}`} aria-hidden="true">
      {packets
        .filter(({ device }) => device === name)
        .map(({ id, direction, isLost }) => (
          <span key={id} className={`packet packet-${direction} ${isLost ? 'packet-lost' : ''}`} />
        ))}
    </div>
  );
}
