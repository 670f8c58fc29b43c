// Pages made of the configuration: limits, retention and deletion, regions, and all of it.
import { del, get, getIfThere } from '../api.js';
import { h, replace } from '../dom.js';
import { UNKNOWN, ago, count, duration } from '../format.js';
import type { ConfigOption, ReachedLimits, RegionList, RegionRow } from '../model.js';
import type { PageContext, PageEntry } from '../page.js';
import { ERASE_SPACE, askForErasure } from '../erase-dialog.js';
import { tenantSection } from '../tenant-table.js';
import { empty, heading, link, prose, table, trouble, type Column } from '../parts.js';

const TITLES: Readonly<Record<string, string>> = { listening: 'Listening', admin: 'Admin', storage: 'Storage', limits: 'Limits', time: 'Time', process: 'Process', place: 'Place', admission: 'Admission', tls: 'TLS', observability: 'Observability', compat: 'Foreign protocols' };

/** Groups of the table of options that bound something. */
const LIMIT_GROUPS = ['limits', 'admission', 'time'] as const;

async function options(signal: AbortSignal): Promise<readonly ConfigOption[]> {
  return (await get<{ options: readonly ConfigOption[] }>('config', signal)).options;
}

/** Fills a page from the API; what goes wrong is said in its place. */
async function fill({ place, signal }: PageContext, head: HTMLElement, load: (body: HTMLElement) => Promise<void>): Promise<void> {
  const body = h('div');
  replace(place, head, body);
  await load(body).catch((error: unknown) => {
    if (!signal.aborted) replace(body, trouble(error));
  });
}

function optionList(rows: readonly ConfigOption[], reached: ReadonlyMap<string, number> = new Map()): HTMLElement {
  return h(
    'dl',
    { class: 'options' },
    ...rows.map(({ key, value, origin, doc, reloadable }) =>
      h('div', {}, h('dt', {}, h('code', {}, key)), h('dd', {}, h('strong', {}, readable(value)), h('span', { class: 'origin' }, origin === 'default' ? 'default' : `from ${origin}`, reloadable ? ', changes without a restart' : '', reachedText(reached.get(key))), h('p', {}, prose(doc)))),
    ),
  );
}

function reachedText(times: number | undefined): string {
  return times === undefined ? '' : `, reached ${count(times)} times since the start`;
}

function readable(value: string): string {
  return value.startsWith('[{') ? 'a list; see Regions' : value === '' ? 'not set' : value;
}

export const limitsPage: PageEntry = {
  name: 'limits',
  title: 'Limits',
  show: (context) =>
    fill(context, heading('Limits', 'How much of a thing there may be. Reaching a limit is an error with a name, and is counted in /metrics.'), async (body) => {
      const [rows, answer, tenants] = await Promise.all([options(context.signal), getIfThere<ReachedLimits>('limits', context.signal), tenantSection(context.signal)]);
      const reached = new Map((answer?.limits ?? []).flatMap(({ option, reached }) => (reached === null ? [] : [[option, reached] as const])));
      replace(body, ...tenants, ...LIMIT_GROUPS.filter((group) => rows.some((row) => row.group === group)).flatMap((group) => [h('h2', {}, TITLES[group] ?? group), optionList(rows.filter((row) => row.group === group), reached)]));
    }),
};

export const retentionPage: PageEntry = {
  name: 'retention',
  title: 'Retention',
  show: (context) =>
    fill(context, heading('Retention and deletion', 'What is kept, for how long, and how it ends.'), async (body) => {
      const rows = await options(context.signal);
      const input = h('input', { id: 'erase-which', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', pattern: '[a-z2-7]{16}', required: true, title: 'A pseudonym: 16 letters and digits' });
      const form = h('form', { class: 'line' }, h('label', { for: 'erase-which' }, 'Pseudonym of the space'), input, h('button', { type: 'submit', class: 'danger' }, 'Erase …'));
      form.addEventListener('submit', (event) => {
        event.preventDefault();
        const name = input.value.trim();
        askForErasure(name, ERASE_SPACE, async () => {
          await del(`spaces/${name}`);
          input.value = '';
        });
      });
      replace(
        body,
        h('h2', {}, 'Kept'),
        optionList(rows.filter(({ key }) => key === 'retention' || key === 'device-lease')),
        h('p', {}, 'An entry goes when every live device acknowledged it and a snapshot holds it, at the latest after the retention time. Its bytes leave the disk when segments are compacted.'),
        h('h2', {}, 'Erase a space'),
        h('p', {}, 'Everything of it is overwritten, and its devices are told. Its admins can do the same from their devices, and usually should. Pseudonyms are on the page ', link('#/spaces', 'Spaces'), '.'),
        form,
      );
    }),
};

export const regionsPage: PageEntry = {
  name: 'regions',
  title: 'Regions',
  show: (context) =>
    fill(context, heading('Regions', 'What this relay tells apps about itself and about the relays beside it, at /regions.'), async (body) => {
      const { region, regions } = await get<RegionList>('regions', context.signal);
      const columns: readonly Column<RegionRow>[] = [
        { title: 'Region', cell: (row) => h('code', {}, row.id) },
        { title: 'Name', cell: (row) => [row.name, row.location].filter((part) => part !== '').join(', ') },
        { title: 'Status', cell: regionStatus },
        { title: 'Latency', cell: (row) => (row.here ? 'here' : row.latencyMs === null ? UNKNOWN : `${count(row.latencyMs)} ms`), isFigure: true },
        { title: 'Asked', cell: (row) => (row.here ? 'just now' : ago(row.checkedMs)) },
        { title: 'Endpoint', cell: (row) => (row.here && row.endpoint === '' ? 'this relay' : row.endpoint === '' ? 'not in use' : h('code', {}, row.endpoint)) },
      ];
      const own = regions.some(({ id }) => id === region) ? `This relay is in ${region}.` : `This relay says that it is in ${region}, which is not in the list.`;
      replace(body, h('p', {}, own), regions.length === 0 ? empty('No regions', 'Name them in the configuration, under ', h('code', {}, 'regions'), '.') : table('Regions', columns, regions));
    }),
};

/** By word and mark, never by colour alone. */
function regionStatus({ status, offlineSinceMs, endpoint, here }: RegionRow): HTMLElement {
  if (endpoint === '' && !here) return h('span', { class: 'state state-unknown' }, 'not in use');
  const since = offlineSinceMs === null ? '' : ` for ${duration(Date.now() - offlineSinceMs)}`;
  return h('span', { class: `state state-${status}` }, `${status}${since}`);
}

export const configPage: PageEntry = {
  name: 'config',
  title: 'Configuration',
  show: (context) =>
    fill(context, heading('Configuration', 'What runs, and where each value comes from: a flag, a variable, a line of a file, or the default. Secrets are not shown.'), async (body) => {
      const rows = await options(context.signal);
      const groups = [...new Set(rows.map(({ group }) => group))];
      replace(body, ...groups.flatMap((group) => [h('h2', {}, TITLES[group] ?? group), optionList(rows.filter((row) => row.group === group))]));
    }),
};
