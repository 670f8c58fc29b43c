// What a tab does while it leads: it has the storage open, and in it a space, one after another where the space moves between relays.
import type { LiveSpace } from '../live/index.js';
import { SpaceLeader, tellingKept } from './space-leader.js';
import type { SpaceLeaderParts } from './space-leader.js';
import { tabNameOf } from './tab-space-options.js';
import type { TabSpaceOptions, TabSpaceParts } from './tab-space-options.js';
import { Waiters } from './waiters.js';

export interface LeadSpaceParts extends Omit<SpaceLeaderParts, 'space' | 'regions'> {
  readonly options: TabSpaceOptions;
  readonly platform: Pick<TabSpaceParts, 'open' | 'openStorage'>;
  /** Aborted when the tab leads no longer. */
  readonly signal: AbortSignal;
  /** From now on it is this space. */
  readonly leads: (space: LiveSpace, leader: SpaceLeader) => void;
  /** There is none until the next one. */
  readonly pause: () => void;
}

/** Leads until the signal. */
export async function leadSpace(parts: LeadSpaceParts): Promise<void> {
  const { options, platform, term, signal, pause } = parts;
  const { regions } = options;
  const storage = await platform.openStorage(tabNameOf(options));
  let leader: SpaceLeader | undefined;
  let spaces = 0;
  const open = async (relay?: string): Promise<LiveSpace> => {
    const given = { ...options, offline: true, storage: tellingKept(storage, (pushSeqs) => leader?.kept(pushSeqs)) };
    const space = await platform.open(regions === undefined ? given : { ...given, ...(relay === undefined ? {} : { relay }), parts: [...(options.parts ?? []), ...regions.parts] });
    leader?.end();
    spaces += 1;
    // To the other tabs a space at another relay is another leader: they hand it what they hold, and hear no late word of the last one.
    leader = new SpaceLeader({ ...parts, space, regions, term: `${term}/${spaces}` });
    parts.leads(space, leader);
    return space;
  };
  try {
    await (regions?.lead({ storage, open, pause, changed: () => leader?.judge(), signal }) ?? stay(await open(), signal));
    leader?.end();
  } finally {
    storage.close();
  }
}

async function stay(space: LiveSpace, signal: AbortSignal): Promise<void> {
  await new Waiters().until(() => false, signal).catch(() => undefined);
  // What is read until then is told: the next leader goes on behind it.
  await space.close();
}
