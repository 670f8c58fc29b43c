// Tenants of foreign protocols by pseudonym, what they keep, and what their formats leave in clear.
import { del } from '../api.js';
import { button, h } from '../dom.js';
import { ERASE_FOREIGN_TENANT, askForErasure } from '../erase-dialog.js';
import { UNKNOWN, ago, bytes, count, plural } from '../format.js';
import type { ForeignPage, ForeignRow, OpenProtocol } from '../model.js';
import type { PageContext, PageEntry } from '../page.js';
import { showPagedList } from '../paged-list.js';
import { empty, note, pseudonym, table, type Column } from '../parts.js';

const HOUR_MS = 3_600_000;

export const foreignPage: PageEntry = { name: 'foreign', title: 'Other protocols', show: showTenants };

function showTenants({ place, signal }: PageContext): Promise<void> {
  return showPagedList<ForeignPage>({
    place,
    signal,
    path: 'foreign-tenants',
    title: 'Other protocols',
    lead: 'Clients of other systems on the same port. A tenant is who shows the same token; it stands under a pseudonym that only this relay can make.',
    pagesOf: 'tenants',
    parts: (page, { again }) => [...protocolParts(page), ...tenantParts(page, again)],
  });
}

const PROTOCOLS: readonly Column<OpenProtocol>[] = [
  { title: 'Protocol', cell: ({ name }) => name },
  { title: 'Where', cell: ({ where }) => where },
  { title: 'Who may come', cell: ({ who }) => who },
  { title: 'What the relay can read', cell: ({ clear }) => clear },
];

function protocolParts({ protocols, topics, topicPeers }: ForeignPage): readonly (HTMLElement | null)[] {
  if (protocols.length === 0) return [note('plain', 'No other protocol is served. What was kept for one stands below once one is.')];
  return [
    table('Protocols that are served', PROTOCOLS, protocols),
    topics === null ? null : h('p', {}, `Topics in memory: ${plural(topics, 'topic')} with ${plural(topicPeers ?? 0, 'peer')}. Nothing of them is stored, and their names are shown nowhere.`),
  ];
}

function tenantParts({ tenants, protocols }: ForeignPage, show: () => void): readonly HTMLElement[] {
  const title = h('h2', {}, 'Tenants');
  if (tenants.length === 0) return [title, empty('No tenants yet', 'A tenant appears here when a client of another system stores something.')];
  const names = new Map(protocols.map(({ system, name }) => [system, name]));
  const columns: readonly Column<ForeignRow>[] = [
    { title: 'Tenant', cell: (row) => pseudonym(row.pseudonym) },
    { title: 'Protocol', cell: (row) => names.get(row.system) ?? row.system },
    { title: 'Let in', cell: (row) => (row.admitted ? 'by admission' : row.shared ? 'without a token' : 'named itself') },
    { title: 'Records', isFigure: true, cell: (row) => (row.trees === null ? count(row.records) : `${count(row.records)} in ${plural(row.trees, 'tree')}`) },
    { title: 'Bytes', isFigure: true, cell: (row) => bytes(row.bytes) },
    { title: 'Open', isFigure: true, cell: (row) => count(row.connections) },
    { title: 'Last write', cell: (row) => hourOf(row.lastWriteMs) },
    { title: 'State', cell: (row) => (row.erasing ? 'being erased' : row.erasedMs === null ? 'kept' : `erased ${hourOf(row.erasedMs)}`) },
    { title: 'End', cell: (row) => (row.erasedMs !== null || row.erasing ? UNKNOWN : eraseButton(row, show)) },
  ];
  return [title, table('Tenants of other protocols', columns, tenants)];
}

/** Times are known to the hour. */
function hourOf(timeMs: number | null): string {
  if (timeMs === null) return UNKNOWN;
  return Date.now() - timeMs < HOUR_MS ? 'this hour' : ago(timeMs);
}

function eraseButton({ pseudonym: name }: ForeignRow, show: () => void): HTMLElement {
  const erase = async (): Promise<void> => {
    await del(`foreign-tenants/${name}`);
    show();
  };
  return button('Erase', () => askForErasure(name, ERASE_FOREIGN_TENANT, erase), { class: 'danger', 'aria-label': `Erase the tenant ${name}` });
}
