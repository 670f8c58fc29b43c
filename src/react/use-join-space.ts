import { useCallback, useEffect, useRef, useState } from 'react';
import type { Space } from '../client/index.js';
import type { PairingStorage } from '../client/pairing/index.js';

/** Why this device could not be brought in: a code to find words by, and words of last resort. */
export interface JoinError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  /** Of `unknown_word`: which word, from 1, and what may be meant. */
  readonly position?: number;
  readonly suggestions?: readonly string[];
}

export interface JoinState {
  readonly phase: 'idle' | 'joining' | 'joined' | 'failed';
  /** The code that is, or was, tried; after a reload of the page the words that were kept. */
  readonly code: string | null;
  readonly error: JoinError | null;
}

export interface JoiningSpace extends JoinState {
  /** Tries the six words, or the text of the scanned code; not while another try is under way. */
  readonly start: (code: string) => void;
  readonly cancel: () => void;
}

/** Brings this device into the space of another: `(code, signal) => joinSpace({ code, signal, relay, storage, pairing })`. Without a code it goes on with what `pairing` holds. */
export type Join<S> = (code: string | undefined, signal: AbortSignal) => Promise<S>;

const IDLE: JoinState = { phase: 'idle', code: null, error: null };

/**
 * The joining side of a pairing. The space is the app's from `onJoined` on; one that comes after the end of it all is closed.
 * With `pairing`, the storage that `join` uses too, it goes on by itself with what a reload of the page interrupted.
 */
export function useJoinSpace<S extends Pick<Space, 'close'>>(join: Join<S>, onJoined: (space: S) => void, pairing?: Pick<PairingStorage, 'load'>): JoiningSpace {
  const [state, setState] = useState(IDLE);
  const running = useRef<AbortController | null>(null);
  const stop = useCallback(() => {
    running.current?.abort();
    running.current = null;
  }, []);
  useEffect(() => stop, [stop]);
  const run = async (code: string, given: string | undefined): Promise<void> => {
    if (running.current !== null) return;
    const own = (running.current = new AbortController());
    const isWanted = (): boolean => running.current === own;
    setState({ phase: 'joining', code, error: null });
    let space;
    try {
      space = await join(given, own.signal);
    } catch (cause) {
      // What joinSpace rejects with has all of it; of anything else the last words are said.
      if (isWanted()) setState({ phase: 'failed', code, error: cause as JoinError });
    }
    if (space !== undefined && !isWanted()) return space.close();
    if (isWanted()) running.current = null;
    if (space === undefined) return undefined;
    setState({ phase: 'joined', code, error: null });
    return onJoined(space);
  };
  // Once for each life of the component, whatever an app hands in at each drawing: a try that failed is not begun anew by itself.
  useEffect(() => {
    let isGone = false;
    const resume = async (): Promise<void> => {
      // A storage that fails is told of by the next try.
      const kept = await pairing?.load().catch(() => null);
      if (!isGone && kept?.role === 'joiner') await run(kept.code, undefined);
    };
    void resume();
    return () => {
      isGone = true;
    };
  }, []);
  const cancel = useCallback(() => {
    stop();
    setState(IDLE);
  }, [stop]);
  return { ...state, start: (code) => void run(code, code.trim()), cancel };
}
