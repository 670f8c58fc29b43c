import { useMemo, useSyncExternalStore } from 'react';
import { encodeStateAsUpdate } from 'yjs';
import type { DemoDevice } from './demo-device.js';

export interface KnownNote {
  readonly text: string;
  /** The document as the device keeps it, in clear. */
  readonly state: Uint8Array;
}

/** The note of a device, as a text and as the bytes of its document. */
export function useNote({ doc, note }: DemoDevice): KnownNote {
  const store = useMemo(() => {
    const read = (): KnownNote => ({ text: note.toString(), state: encodeStateAsUpdate(doc) });
    let known = read();
    return {
      subscribe: (listener: () => void) => {
        const changed = (): void => {
          known = read();
          listener();
        };
        doc.on('update', changed);
        return () => doc.off('update', changed);
      },
      getSnapshot: () => known,
    };
  }, [doc, note]);
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
}
