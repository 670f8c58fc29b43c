// One space at a time over one device: its storage is held from before it is read until the space is closed.
import type { Ground } from './assemble.js';

/** Opens a space over a storage that is held, where it can be; one that does not open lets go of it at once. */
export async function holding<T>(ground: Ground, open: (held: Ground) => Promise<T>): Promise<T> {
  const letGo = await ground.storage.hold?.();
  if (letGo === undefined) return open(ground);
  try {
    return await open({ ...ground, letGo });
  } catch (cause) {
    letGo();
    throw cause;
  }
}
