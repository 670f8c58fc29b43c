// What a platform knows of its network: whether there is one, and when it is worth looking at once.

/** `lost`: nothing can be reached. `back`: it may be reached again, or in another way than before. */
export type NetworkEvent = 'lost' | 'back';

/** The platform's word on its network. */
export interface Network {
  /** False: trying is pointless. */
  readonly online: boolean;
  /** Calls the listener for every event; the returned function ends it. */
  listen(listener: (event: NetworkEvent) => void): () => void;
}

/** The part of a page (or worker) that is used. */
export interface PageLike {
  addEventListener?(type: string, listener: (event: { readonly persisted?: boolean }) => void): void;
  removeEventListener?(type: string, listener: (event: { readonly persisted?: boolean }) => void): void;
  readonly navigator?: { readonly onLine?: boolean; readonly connection?: EventTarget };
  readonly document?: EventTarget & { readonly visibilityState: string };
}

/** The network of this page; undefined where the platform tells nothing, as on Node. */
export function pageNetwork(page: PageLike): Network | undefined {
  const { navigator } = page;
  if (page.addEventListener === undefined || navigator?.onLine === undefined) return undefined;
  // A page that is kept for the back button stands still: its connection is dead when it comes back.
  let kept = false;
  return {
    get online() {
      return !kept && navigator.onLine !== false;
    },
    listen(listener) {
      const lost = (): void => listener('lost');
      const back = (): void => {
        if (!kept && navigator.onLine !== false) listener('back');
      };
      const seen = (): void => {
        if (page.document?.visibilityState === 'visible') back();
      };
      const hidden = ({ persisted }: { readonly persisted?: boolean }): void => {
        if (persisted !== true) return;
        kept = true;
        lost();
      };
      const shown = ({ persisted }: { readonly persisted?: boolean }): void => {
        if (persisted !== true) return;
        kept = false;
        back();
      };
      const onPage = { offline: lost, online: back, pagehide: hidden, pageshow: shown };
      for (const [type, call] of Object.entries(onPage)) page.addEventListener?.(type, call);
      page.document?.addEventListener('visibilitychange', seen);
      navigator.connection?.addEventListener('change', back);
      return () => {
        for (const [type, call] of Object.entries(onPage)) page.removeEventListener?.(type, call);
        page.document?.removeEventListener('visibilitychange', seen);
        navigator.connection?.removeEventListener('change', back);
      };
    },
  };
}
