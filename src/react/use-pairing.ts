import { useCallback, useEffect, useState } from 'react';
import type { CodePairing, CodePairingState } from './code-pairing.js';
import { constantStore } from './external-store.js';
import { useSealrelay } from './provider.js';
import type { AnySpace } from './provider.js';
import { useStore } from './use-store.js';

/** How long a shown link stays: it opens the whole space to whoever sees it. */
export const LINK_SHOWN_MS = 60_000;

export interface Pairing {
  /** Whether this device has the link that opens the space elsewhere. */
  readonly canShow: boolean;
  /** The link while it is shown; null otherwise. */
  readonly link: string | null;
  readonly show: () => void;
  readonly hide: () => void;
  /** Pairing by six words or a QR code, where the app has given a way to. */
  readonly code: (CodePairingState & Pick<CodePairing, 'offer' | 'cancel'>) | null;
}

const IDLE: CodePairingState = { phase: 'idle', code: null, link: null, expiresAt: null, device: null, error: null };
const NOBODY = constantStore(IDLE);

/** Ways to bring another device in. The link is hidden until it is asked for, and again after a minute. */
export function usePairing(): Pairing {
  const { space, pairing } = useSealrelay<AnySpace>();
  const [isShown, setShown] = useState(false);
  const state = useStore(pairing ?? NOBODY, IDLE);
  useEffect(() => {
    if (!isShown) return undefined;
    const timer = setTimeout(() => setShown(false), LINK_SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isShown, space]);
  useEffect(() => {
    void pairing?.resume?.();
  }, [pairing]);
  const link = space?.link ?? null;
  return {
    canShow: link !== null,
    link: isShown ? link : null,
    show: useCallback(() => setShown(true), []),
    hide: useCallback(() => setShown(false), []),
    code: pairing === null ? null : { ...state, offer: () => pairing.offer(), cancel: () => pairing.cancel() },
  };
}
