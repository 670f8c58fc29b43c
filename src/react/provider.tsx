// What the hooks find in the tree: the space, the regions, and ways to pair.
import { createContext, useContext, useEffect, useMemo, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import type { RegionClient, Space, TabSpace } from '../client/index.js';
import { constantStore, storeOf } from './external-store.js';
import type { ExternalStore } from './external-store.js';
import type { CodePairing } from './code-pairing.js';
import type { Failover } from './failover-store.js';
import { useStore } from './use-store.js';

/** A space of `openSpace`, or one of `openSpaceInTabs`, which all tabs of the origin share. */
export type AnySpace = Space | TabSpace;

export interface SealrelayContext<S extends AnySpace = Space> {
  /** Null while it is opened, and on the server. */
  readonly space: S | null;
  /** Why it could not be opened. */
  readonly error: Error | null;
  readonly regions: Regions | null;
  readonly pairing: CodePairing | null;
  readonly failover: Failover | null;
}

/** The part of a RegionClient that the hooks use. */
export type Regions = Pick<RegionClient, 'subscribe' | 'getSnapshot' | 'refresh' | 'choose' | 'switchTo'>;

interface Common<S extends AnySpace> {
  readonly regions?: Regions | null | undefined;
  /** Or a function that makes it once there is a space, called once for each. Keep the function's identity. */
  readonly pairing?: CodePairing | ((space: S) => CodePairing) | null | undefined;
  readonly children?: ReactNode;
}

export type SpaceProviderProps<S extends AnySpace = Space> = Common<S> &
  (
    | {
        /** An open space, one to come (null), or a store of it such as a SpaceMover; its owner closes it. */
        readonly space: S | ExternalStore<S | null> | null;
        readonly open?: never;
        readonly failover?: never;
      }
    | {
        /** Opens the space in the browser, once for each function; closed when the provider goes. Keep the function's identity. */
        readonly open: () => Promise<S>;
        readonly space?: never;
        readonly failover?: never;
      }
    | {
        /** Keeps the space at a region that works, and gives it; its owner starts and closes it. */
        readonly failover: Failover;
        readonly space?: never;
        readonly open?: never;
      }
  );

const EMPTY: SealrelayContext<never> = { space: null, error: null, regions: null, pairing: null, failover: null };
const NOBODY: ExternalStore<null> = constantStore(null);
const spaceOf = storeOf((failover: Failover): ExternalStore<AnySpace | null> => ({ subscribe: failover.subscribe, getSnapshot: () => failover.getSnapshot().space }));
const Context = createContext<SealrelayContext<AnySpace>>(EMPTY);

/** Gives a space, and what belongs to it, to everything below. */
export function SpaceProvider<S extends AnySpace = Space>({ space, open, failover, regions = null, pairing = null, children }: SpaceProviderProps<S>): ReactNode {
  const given = space ?? (failover === undefined ? null : spaceOf(failover));
  const store = useMemo<ExternalStore<AnySpace | null>>(() => (given === null ? NOBODY : 'getSnapshot' in given ? given : constantStore(given)), [given]);
  const held = useStore(store, null);
  const opened = useOpened(open);
  const current = open === undefined ? held : opened.space;
  const pairs = useMemo(() => (typeof pairing !== 'function' ? pairing : current === null ? null : pairing(current as S)), [pairing, current]);
  const context = useMemo(() => ({ space: current, error: opened.error, regions, pairing: pairs, failover: failover ?? null }), [current, opened, regions, pairs, failover]);
  return <Context.Provider value={context}>{children}</Context.Provider>;
}

/** Everything the provider gives. */
export function useSealrelay<S extends AnySpace = Space>(): SealrelayContext<S> {
  return useContext(Context) as SealrelayContext<S>;
}

/** The space; null while it is opened, and on the server. Of a provider with a space in tabs: `useSpace<TabSpace>()`. */
export function useSpace<S extends AnySpace = Space>(): S | null {
  return useContext(Context).space as S | null;
}

type Opened = Pick<SealrelayContext<AnySpace>, 'space' | 'error'>;
const NOT_OPENED: Opened = { space: null, error: null };

// Strict mode mounts twice: the second opening waits until what the first one opened is closed, because a storage has one user at a time.
function useOpened(open: (() => Promise<AnySpace>) | undefined): Opened {
  const [opened, setOpened] = useState(NOT_OPENED);
  const last = useRef<Promise<unknown>>(Promise.resolve());
  useEffect(() => {
    if (open === undefined) return undefined;
    let isWanted = true;
    const opening = last.current.then(() => (isWanted ? open() : null));
    opening.then(
      (space) => isWanted && setOpened({ space, error: null }),
      (cause: unknown) => isWanted && setOpened({ space: null, error: cause instanceof Error ? cause : new Error(String(cause)) }),
    );
    last.current = opening.catch(() => null);
    return () => {
      isWanted = false;
      setOpened(NOT_OPENED);
      last.current = opening.then((space) => space?.close()).catch(() => null);
    };
  }, [open]);
  return opened;
}
