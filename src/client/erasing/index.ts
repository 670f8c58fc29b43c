/**
 * Erasing at the relay: a space as a whole, or its log up to a size.
 *
 * ```ts
 * const space = await openSpace({ storage, parts: [erasing] });
 * await space.erase();
 * ```
 */
import { ERASURE_FRAMES } from '../../protocol/erasure-frames.js';
import type { SpacePart } from '../space/space-part.js';
import { Erasures } from './erasures.js';

/** What a space with this part can do. */
export interface ErasingCalls {
  /**
   * Erases the space at the relay: log, snapshots, blobs, roster and acks. Resolves when the relay says that all of it is
   * overwritten; the connection ends, and every device is told (`erased`). What devices hold stays with them. Needs admin rights and a connection.
   */
  erase(): Promise<void>;
  /**
   * Lets the relay overwrite every entry up to that size (all that this device verified when it is left out); leaf hashes stay, so that
   * consistency can still be proved. Resolves with the size. Take a snapshot first: devices that come later need one. Throws
   * `purge_too_early` while a live device has not acked that much. Needs admin rights and a connection.
   */
  purge(options?: { readonly upToSize?: number }): Promise<number>;
}

/** The part, for any space. */
export const erasing: SpacePart<ErasingCalls> = {
  name: 'erasing',
  frames: ERASURE_FRAMES,
  open: ({ context, link, assertOpen }) => {
    const erasures = new Erasures(context);
    return {
      calls: {
        erase: async () => {
          assertOpen();
          await erasures.erase(link());
        },
        purge: async ({ upToSize } = {}) => {
          assertOpen();
          return erasures.purge(link(), upToSize);
        },
      },
      frame: (frame) => (frame.type === 'Purged' ? erasures.purged(frame) : false),
      refused: (refusal) => erasures.refused(refusal),
      down: (cause) => void erasures.fail(cause),
    };
  },
};
