import { useCallback, useEffect, useRef, useState } from 'react';
import type { Space } from '../client/index.js';

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
  readonly error: JoinError | null;
}

export interface JoiningSpace extends JoinState {
  /** Tries the six words, or the text of the scanned code; not while another try is under way. */
  readonly start: (code: string) => void;
  readonly cancel: () => void;
}

/** Brings this device into the space of another: `(code, signal) => joinSpace({ code, signal, relay, storage })`. */
export type Join<S> = (code: string, signal: AbortSignal) => Promise<S>;

const IDLE: JoinState = { phase: 'idle', error: null };

/** The joining side of a pairing. The space is the app's from `onJoined` on; one that comes after the end of it all is closed. */
export function useJoinSpace<S extends Pick<Space, 'close'>>(join: Join<S>, onJoined: (space: S) => void): JoiningSpace {
  const [state, setState] = useState(IDLE);
  const running = useRef<AbortController | null>(null);
  const stop = useCallback(() => {
    running.current?.abort();
    running.current = null;
  }, []);
  useEffect(() => stop, [stop]);
  const start = async (code: string): Promise<void> => {
    if (running.current !== null) return;
    const own = (running.current = new AbortController());
    const isWanted = (): boolean => running.current === own;
    setState({ phase: 'joining', error: null });
    let space;
    try {
      space = await join(code.trim(), own.signal);
    } catch (cause) {
      // What joinSpace rejects with has all of it; of anything else the last words are said.
      if (isWanted()) setState({ phase: 'failed', error: cause as JoinError });
    }
    if (space !== undefined && !isWanted()) return space.close();
    if (isWanted()) running.current = null;
    if (space === undefined) return undefined;
    setState({ phase: 'joined', error: null });
    return onJoined(space);
  };
  const cancel = useCallback(() => {
    stop();
    setState(IDLE);
  }, [stop]);
  return { ...state, start: (code) => void start(code), cancel };
}
