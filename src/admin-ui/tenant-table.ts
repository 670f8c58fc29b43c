// Tenants, what they take and what they may, under the limits that hold for them.
import { getIfThere } from './api.js';
import { h } from './dom.js';
import { bytes, count, UNKNOWN } from './format.js';
import type { TenantPage, TenantRow } from './model.js';
import { table, type Column } from './parts.js';

const ID_DIGITS_SHOWN = 12;

/** Nothing where no space is on anybody's account. */
export async function tenantSection(signal: AbortSignal): Promise<readonly HTMLElement[]> {
  const page = await getIfThere<TenantPage>('tenants?limit=100', signal);
  if (page === null || page.tenants.length === 0) return [];
  const more = page.next === null ? [] : [h('p', {}, 'These are the first 100; the others are at /admin/api/tenants.')];
  return [h('h2', {}, 'Tenants'), table('What tenants take of what they may', COLUMNS, page.tenants), ...more];
}

const COLUMNS: readonly Column<TenantRow>[] = [
  { title: 'Tenant', cell: ({ name, tenant }) => name ?? h('code', {}, tenant.slice(0, ID_DIGITS_SHOWN)) },
  { title: 'Spaces', isFigure: true, cell: ({ spaces }) => count(spaces) },
  { title: 'Entries', isFigure: true, cell: ({ entries, entriesMax }) => ofMax(count(entries), entriesMax, count) },
  { title: 'Sealed bytes', isFigure: true, cell: (row) => ofMax(bytes(row.bytes), row.bytesMax, bytes) },
  { title: 'Connections', isFigure: true, cell: ({ connections, connectionsMax }) => ofMax(count(connections), connectionsMax, count) },
  { title: 'Pushes a second', isFigure: true, cell: ({ pushesPerSecondMax }) => (pushesPerSecondMax === 0 ? UNKNOWN : `at most ${count(pushesPerSecondMax)}`) },
];

function ofMax(used: string, max: number, show: (value: number) => string): string {
  return max === 0 ? used : `${used} of ${show(max)}`;
}
