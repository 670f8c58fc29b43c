// `relay foreign list|erase`: the tenants of foreign protocols on the running relay, by their pseudonyms.
import { RelayError } from '../../errors.js';
import { callForObject } from '../admin-call.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import { ADMIN_OPTIONS, TARGET_SWITCHES, findTarget } from '../target.js';

const PATH = '/admin/api/foreign-tenants';
const URL_SWITCH = TARGET_SWITCHES.filter(({ name }) => name === 'url');
const PAGE = 100;
/** Tenants that are listed at most; the admin page shows the others. */
const LISTED_MAX = 10_000;
const COLUMNS = [18, 10, 10, 14, 9] as const;

type Row = Readonly<Record<string, unknown>>;

export const foreignList: Command = {
  name: 'foreign list',
  summary: 'lists the tenants of foreign protocols on the running relay',
  about: [
    'Lists the tenants of foreign protocols by their pseudonyms, which mean something in this data directory only, with what each keeps; and of each protocol that is served who may come, and what its format leaves in clear.',
  ],
  operand: null,
  options: ADMIN_OPTIONS,
  switches: [...URL_SWITCH, JSON_SWITCH],
  examples: [
    { line: 'relay foreign list', does: 'a table' },
    { line: 'relay foreign list --json', does: 'everything that is known of each, as JSON' },
  ],
  exits: ['listed, also when there is none', 'nobody answers'],
  run: async (given, io) => {
    const target = await findTarget('admin', given, io);
    const tenants: Row[] = [];
    let protocols: Row[] = [];
    for (let after: unknown = null; tenants.length < LISTED_MAX; ) {
      const behind = typeof after === 'string' ? `&after=${encodeURIComponent(after)}` : '';
      const page = await callForObject(target, { method: 'GET', path: `${PATH}?limit=${PAGE}${behind}` });
      tenants.push(...rowsOf(page['tenants']));
      protocols = rowsOf(page['protocols']);
      after = page['next'];
      if (typeof after !== 'string') break;
    }
    if (given.switches.has('json')) io.print(JSON.stringify({ protocols, tenants }, null, 2));
    else io.print([line('TENANT', 'PROTOCOL', 'RECORDS', 'BYTES', 'OPEN', 'STATE'), ...tenants.map(renderRow), ...protocols.map(renderProtocol)].join('\n'));
    return EXIT_OK;
  },
};

export const foreignErase: Command = {
  name: 'foreign erase',
  summary: 'erases a tenant of a foreign protocol for good',
  about: [
    'Everything the tenant keeps is overwritten in the files of the relay before this answers, and for 180 days nothing is taken for its token, so that devices do not bring it back. The tenant of those who show no token begins anew at once. What file systems keep beside that is in docs/operations/privacy.md.',
  ],
  operand: '<tenant>',
  options: ADMIN_OPTIONS,
  switches: [{ name: 'yes', value: null, doc: 'Says that it is meant; without it nothing is done.' }, ...URL_SWITCH, JSON_SWITCH],
  examples: [
    { line: 'relay foreign erase $TENANT --yes', does: 'a tenant of `relay foreign list`' },
    { line: 'relay foreign erase $OTHER_TENANT --yes --json', does: 'another one; the result as JSON' },
  ],
  exits: ['nothing of it is left', 'there is no such tenant, or it is not overwritten yet'],
  run: async (given, io) => {
    const [tenant] = given.operands;
    if (tenant === undefined) throw new RelayError('config_invalid', 'a tenant is missing', { hint: 'Give its name from `relay foreign list`.' });
    if (!given.switches.has('yes')) throw new RelayError('config_invalid', 'erasing cannot be taken back', { hint: 'Add --yes if it is meant.' });
    await callForObject(await findTarget('admin', given, io), { method: 'DELETE', path: `${PATH}/${encodeURIComponent(tenant)}` });
    io.print(given.switches.has('json') ? JSON.stringify({ tenant, erased: true }) : `${tenant} is erased: nothing of it is left in the files of the relay.`);
    return EXIT_OK;
  },
};

function rowsOf(value: unknown): Row[] {
  return Array.isArray(value) ? value.filter((row): row is Row => typeof row === 'object' && row !== null) : [];
}

function renderRow(row: Row): string {
  const cell = (name: string): string => String(row[name] ?? '?');
  const state = row['erasing'] === true ? 'being erased' : row['erasedMs'] === null ? 'kept' : 'erased';
  return line(cell('pseudonym'), cell('system'), cell('records'), cell('bytes'), cell('connections'), state);
}

function renderProtocol({ name, where, who, clear }: Row): string {
  return `${String(name)} ${String(where)}: ${String(who)}; ${String(clear)}`;
}

function line(...cells: readonly string[]): string {
  return cells.map((cell, at) => cell.padEnd(COLUMNS[at] ?? 0)).join('').trimEnd();
}
