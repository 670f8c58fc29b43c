// Spaces by pseudonym, a page at a time; one space with its devices.
import { del, get } from '../api.js';
import { button, h, replace } from '../dom.js';
import { ago, bytes, count, moment, plural } from '../format.js';
import type { DeviceRow, SpaceDetail, SpacePage, SpaceRow } from '../model.js';
import type { PageContext, PageEntry } from '../page.js';
import { showPagedList } from '../paged-list.js';
import { empty, facts, heading, link, note, pseudonym, spaceLink, table, trouble, type Column } from '../parts.js';
import { ERASE_SPACE, askForErasure } from '../erase-dialog.js';

const COLUMNS: readonly Column<SpaceRow>[] = [
  { title: 'Space', cell: (row) => spaceLink(row.pseudonym) },
  { title: 'Entries', isFigure: true, cell: (row) => count(row.entries) },
  { title: 'Sealed', isFigure: true, cell: (row) => bytes(row.sealedBytes) },
  { title: 'Devices', isFigure: true, cell: (row) => count(row.devices) },
  { title: 'Open', isFigure: true, cell: (row) => count(row.connections) },
  { title: 'Last use', cell: (row) => ago(row.lastUseMs) },
  { title: 'Where', cell: (row) => (row.resident ? 'in memory' : 'on disk') },
];

export const spacesPage: PageEntry = {
  name: 'spaces',
  title: 'Spaces',
  show: async (context) => (context.argument === null ? await showList(context) : await showSpace(context, context.argument)),
};

function showList({ place, signal }: PageContext): Promise<void> {
  return showPagedList<SpacePage>({
    place,
    signal,
    path: 'spaces',
    title: 'Spaces',
    lead: 'Each space stands under a pseudonym that only this relay can make. Looking at one does not wake it.',
    pagesOf: 'spaces',
    parts: ({ spaces }, { isFirst }) => [spaces.length === 0 && isFirst ? noSpaces() : table('Spaces', COLUMNS, spaces)],
  });
}

function noSpaces(): HTMLElement {
  return empty('No spaces yet', 'A space appears here when a device founds one. Nothing of it can be read here: sizes, counts and times are all there is to see.');
}

const DEVICES: readonly Column<DeviceRow>[] = [
  { title: 'Device', cell: (row) => pseudonym(row.pseudonym) },
  { title: 'Rights', cell: (row) => ({ read: 'reads', write: 'reads, writes', admin: 'reads, writes, administers' })[row.rights] ?? row.rights },
  { title: 'Pushed', isFigure: true, cell: (row) => count(row.pushed) },
  { title: 'Acknowledged', isFigure: true, cell: (row) => (row.acked === null ? 'never' : count(row.acked)) },
  { title: 'Behind', isFigure: true, cell: (row) => count(row.lag) },
  { title: 'Last contact', cell: (row) => ago(row.contactMs) },
  { title: 'Now', cell: (row) => (row.subscriptions > 0 ? 'reading' : 'away') },
];

async function showSpace({ place, signal }: PageContext, name: string): Promise<void> {
  const body = h('div');
  const erase = button('Erase this space', () => askForErasure(name, ERASE_SPACE, async () => { await del(`spaces/${name}`); location.hash = '#/spaces'; }), { class: 'danger' });
  replace(place, heading('Space', pseudonym(name), button('Refresh', () => void show()), erase), body);
  const show = async (): Promise<void> => {
    try {
      const detail = await get<SpaceDetail>(`spaces/${name}`, signal);
      const { space, devices } = detail;
      replace(
        body,
        facts([
          ['Entries held', space.size === null ? 'its record on disk cannot be read' : `${count(space.entries)}, from ${count(space.floor)} to ${count(space.size)}`],
          ['Sealed bytes held', space.sealedBytes === null ? 'too many entries to add up' : bytes(space.sealedBytes)],
          ['Open sessions', count(space.connections)],
          ['Last use', space.lastUseMs === null ? 'unknown' : `${ago(space.lastUseMs)} (${moment(space.lastUseMs)} UTC)`],
          ['Where', space.resident ? 'in memory' : 'on disk; it is loaded when a device asks for it'],
          ['Forgets', detail.queueMode ? 'as soon as every live device acknowledged' : 'after the retention time, or once it was acknowledged and put into a snapshot'],
          ['Roster', `version ${count(detail.rosterVersion)}, key epoch ${count(detail.keyEpoch)}, ${detail.formerDevices === 0 ? 'nobody was removed' : `${plural(detail.formerDevices, 'device')} removed`}`],
          ['Head', space.head === null ? 'a commit is under way' : h('code', { class: 'long' }, space.head)],
        ]),
        h('h2', {}, plural(devices.length, 'device')),
        devices.length === 0 ? note('plain', 'The newest roster names no device.') : table('Devices of this space', DEVICES, devices),
        h('p', {}, link(`#/blindness/${name}`, 'What the relay stores of its newest entry')),
      );
    } catch (error) {
      if (!signal.aborted) replace(body, trouble(error), h('p', {}, link('#/spaces', 'All spaces')));
    }
  };
  await show();
}
