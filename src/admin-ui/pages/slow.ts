// Devices that read more slowly than their space is written.
import { get } from '../api.js';
import { h, replace } from '../dom.js';
import { count, plural } from '../format.js';
import type { SlowReaders } from '../model.js';
import { repeat, type PageEntry } from '../page.js';
import { empty, heading, note, pseudonym, spaceLink, table, trouble } from '../parts.js';

const PERIOD_MS = 2000;

export const slowPage: PageEntry = {
  name: 'slow',
  title: 'Slow devices',
  show: async ({ place, signal }) => {
    const body = h('div');
    replace(place, heading('Slow devices', 'Open subscriptions that were not sent everything yet, the furthest behind first. A slow device costs its queue and nothing more: what it misses it reads from the log.'), body);
    await repeat(PERIOD_MS, signal, async () => {
      try {
        const { readers, scanned, whole } = await get<SlowReaders>('slow-readers?limit=50', signal);
        replace(
          body,
          readers.length === 0
            ? empty('Nobody is behind', scanned === 0 ? 'No device subscribes over a WebSocket right now.' : `${plural(scanned, 'open subscription')} looked at; every one was sent all there is.`)
            : table('Subscriptions that are behind', COLUMNS, readers),
          whole ? null : note('warning', `Only the first ${count(scanned)} subscriptions were looked at.`),
        );
      } catch (error) {
        if (!signal.aborted) replace(body, trouble(error));
      }
    });
  },
};

type Reader = SlowReaders['readers'][number];
const COLUMNS = [
  { title: 'Space', cell: (row: Reader) => spaceLink(row.space) },
  { title: 'Device', cell: (row: Reader) => pseudonym(row.device) },
  { title: 'Behind', isFigure: true, cell: (row: Reader) => count(row.lag) },
  { title: 'Sent up to', isFigure: true, cell: (row: Reader) => count(row.cursor) },
];
