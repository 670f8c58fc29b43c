// A relay with a few spaces that were written to, for tests of the admin page.
import { createSpace, openSpace, type Space } from '../../src/client/node.js';

export interface AdminScene extends AsyncDisposable {
  readonly spaces: readonly Space[];
}

/** Three spaces: one with two devices and some entries, one with a little, one with none. */
export async function adminScene(relay: string): Promise<AdminScene> {
  const busy = await createSpace({ relay, batchWindowMs: 0 });
  await busy.whenSynced();
  const second = await openSpace({ link: busy.link ?? '' });
  await second.whenSynced();
  for (let n = 0; n < 12; n += 1) await busy.push(new Uint8Array(400 + n * 90)).durable('relay');
  const quiet = await createSpace({ relay, batchWindowMs: 0 });
  await quiet.push(new TextEncoder().encode('a line of text')).durable('relay');
  const fresh = await createSpace({ relay, batchWindowMs: 0 });
  await fresh.whenSynced();
  const spaces = [busy, second, quiet, fresh];
  return {
    spaces,
    [Symbol.asyncDispose]: async () => {
      for (const space of spaces) await space.close();
    },
  };
}
