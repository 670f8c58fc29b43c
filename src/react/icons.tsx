// Small drawings beside words; never instead of them.
import type { ReactNode } from 'react';

const PATHS = {
  good: <path d="M4.5 8.2 7 10.7l4.6-5.2" />,
  fair: <path d="M8 4.6v4.2M8 11.2v.1" />,
  bad: <path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" />,
  open: <path d="M6.3 6.4a1.8 1.8 0 1 1 2.6 1.7c-.6.3-.9.7-.9 1.3M8 11.4v.1" />,
  busy: <path d="M8 4.4V8l2.3 1.5" />,
} as const;

export type IconName = keyof typeof PATHS;

/** A mark in a disc. */
export function Icon({ name }: { readonly name: IconName }): ReactNode {
  return (
    <svg className={`sr-icon sr-icon-${name}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {name === 'fair' ? <path className="sr-icon-ground" d="M8 1.2 15.2 14H.8Z" /> : <circle className="sr-icon-ground" cx="8" cy="8" r="7.2" />}
      {PATHS[name]}
    </svg>
  );
}

/** A closed lock: what the relay holds is sealed. */
export function Lock(): ReactNode {
  return (
    <svg className="sr-lock" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <rect x="5" y="10.5" width="14" height="9.5" rx="2.4" />
      <path d="M8 10.5V8a4 4 0 0 1 8 0v2.5M12 14.2v2.2" />
    </svg>
  );
}
