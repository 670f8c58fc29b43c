// Drawn marks of the page.
import type { ReactNode } from 'react';
import type { DeviceName } from './demo-device.js';

export function DeviceIcon({ name }: { readonly name: DeviceName }): ReactNode {
  return (
    <svg className="mark" viewBox="0 0 24 24" aria-hidden="true">
      {name === 'laptop' ? <path d="M5 5.5h14v10H5zM2.5 19h19" /> : <path d="M7.5 3h9v18h-9zM11 18h2" />}
    </svg>
  );
}

export function RelayIcon(): ReactNode {
  return (
    <svg className="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M4 4.5h16v6H4zM4 13.5h16v6H4zM7.5 7.5h.01M7.5 16.5h.01" />
    </svg>
  );
}

/** A ring that lets a line through and shows nothing of it. */
export function Seal(): ReactNode {
  return (
    <svg className="seal" viewBox="0 0 40 40" aria-hidden="true">
      <circle cx="20" cy="20" r="11" />
      <path d="M1 20h8m22 0h8" />
    </svg>
  );
}
