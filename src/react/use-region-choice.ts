import { useState } from 'react';
import { useRegions } from './use-regions.js';
import type { UsedRegions } from './use-regions.js';
import type { Regions } from './provider.js';

export interface RegionChoice extends UsedRegions {
  /** The region that is marked: the draft, else the choice, else the one in use. */
  readonly selectedId: string | null;
  /** Marks a region. Where the space cannot be taken along, this is the choice already. */
  readonly select: (id: string) => void;
  /** Whether there is a mark to act on. */
  readonly isPending: boolean;
  /** Goes to the marked region. What fails is in `error`. */
  readonly confirm: () => void;
  /** Forgets the user's choice. */
  readonly reset: () => void;
}

// Failures are in the state that is shown.
const ignore = (): void => undefined;

/** A region is marked first and gone to when the user says so: arrow keys pass over regions, and a change is no small thing. */
export function useRegionChoice(client?: Regions | null): RegionChoice {
  const regions = useRegions(client);
  const [draft, setDraft] = useState<string | null>(null);
  const { canMove, choiceId, currentId, switching, choose, switchTo } = regions;
  const settled = (canMove ? currentId : null) ?? choiceId ?? currentId;
  const selectedId = switching?.to ?? draft ?? settled;
  return {
    ...regions,
    selectedId,
    select: (id) => {
      if (switching !== null) return;
      setDraft(id);
      if (!canMove) choose(id).catch(ignore);
    },
    isPending: canMove && switching === null && draft !== null && draft !== currentId,
    confirm: () => {
      if (draft !== null) switchTo(draft).catch(ignore).finally(() => setDraft(null));
    },
    reset: () => {
      setDraft(null);
      choose(null).catch(ignore);
    },
  };
}
