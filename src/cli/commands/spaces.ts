// `relay space list|show|erase`: the spaces of the running relay, by their pseudonyms.
import { RelayError } from '../../errors.js';
import type { ReadFlags } from '../../config/flags.js';
import { callForObject } from '../admin-call.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import { ADMIN_OPTIONS, TARGET_SWITCHES, findTarget } from '../target.js';

const PATH = '/admin/api/spaces';
const URL_SWITCH = TARGET_SWITCHES.filter(({ name }) => name === 'url');
/** As the relay makes them. */
const PSEUDONYM = /^[a-z2-7]{16}$/;
/** As the people of a space know it. */
const ID = /^[0-9a-f]{64}$/;
const PAGE = 100;
/** Spaces that are listed at most; the admin page shows the others. */
const LISTED_MAX = 10_000;
const COLUMNS = [18, 10, 14, 9, 12] as const;

type Row = Readonly<Record<string, unknown>>;

export const spaceList: Command = {
  name: 'space list',
  summary: 'lists the spaces of the running relay',
  about: ['Lists spaces by their pseudonyms, which mean something in this data directory only, with what the relay holds of them.'],
  operand: null,
  options: ADMIN_OPTIONS,
  switches: [...URL_SWITCH, JSON_SWITCH],
  examples: [
    { line: 'relay space list', does: 'a table' },
    { line: 'relay space list --json', does: 'everything that is known of each, as JSON' },
  ],
  exits: ['listed, also when there is none', 'nobody answers'],
  run: async (given, io) => {
    const target = await findTarget('admin', given, io);
    const rows: Row[] = [];
    for (let after: unknown = null; rows.length < LISTED_MAX; ) {
      const behind = typeof after === 'string' ? `&after=${encodeURIComponent(after)}` : '';
      const page = await callForObject(target, { method: 'GET', path: `${PATH}?limit=${PAGE}${behind}` });
      rows.push(...rowsOf(page['spaces']));
      after = page['next'];
      if (typeof after !== 'string') break;
    }
    if (given.switches.has('json')) io.print(JSON.stringify({ spaces: rows }, null, 2));
    else io.print([line('SPACE', 'ENTRIES', 'SEALED BYTES', 'DEVICES', 'CONNECTIONS', 'LAST USE'), ...rows.map(renderRow)].join('\n'));
    return EXIT_OK;
  },
};

export const spaceShow: Command = {
  name: 'space show',
  summary: 'shows a space of the running relay with its devices',
  about: ['Shows what the relay holds of a space: entries, roster version, devices with their rights, how far each has acknowledged, and when it was last seen.'],
  operand: '<space>',
  options: ADMIN_OPTIONS,
  switches: [...URL_SWITCH, JSON_SWITCH],
  examples: [
    { line: 'relay space show $SPACE', does: 'a space of `relay space list`' },
    { line: 'relay space show $SPACE --json', does: 'the same as JSON' },
  ],
  exits: ['shown', 'there is no such space, or nobody answers'],
  run: async (given, io) => {
    const detail = await callForObject(await findTarget('admin', given, io), { method: 'GET', path: pathOf(given) });
    const { space = {}, devices = [], ...facts } = detail;
    if (given.switches.has('json')) io.print(JSON.stringify(detail, null, 2));
    else io.print([...factsOf(space), ...factsOf(facts), ...rowsOf(devices).map((device) => `device ${factsOf(device).join(', ')}`)].join('\n'));
    return EXIT_OK;
  },
};

export const spaceErase: Command = {
  name: 'space erase',
  summary: 'erases a space of the running relay for good',
  about: [
    'Sealed entries, snapshots, blobs and roster are overwritten in the files of the relay before this answers; the devices of the space are told, and keep what they hold. Nothing brings it back but a file of `relay space export`. What file systems keep beside that is in docs/operations/privacy.md.',
    'A space is named as `relay space list` shows it, or by its id (64 hexadecimal digits), which the app of whoever asks for it knows.',
  ],
  operand: '<space>',
  options: ADMIN_OPTIONS,
  switches: [{ name: 'yes', value: null, doc: 'Says that it is meant; without it nothing is done.' }, ...URL_SWITCH, JSON_SWITCH],
  examples: [
    { line: 'relay space erase $SPACE --yes', does: 'a space of `relay space list`' },
    { line: 'relay space erase $OTHER_SPACE --yes --json', does: 'another one; the result as JSON' },
  ],
  exits: ['nothing of it is left', 'there is no such space, or it is not overwritten yet'],
  run: async (given, io) => {
    const path = pathOf(given, true);
    if (!given.switches.has('yes')) throw new RelayError('config_invalid', 'erasing cannot be taken back', { hint: 'Export the space first if somebody may want it; then add --yes.' });
    await callForObject(await findTarget('admin', given, io), { method: 'DELETE', path });
    io.print(given.switches.has('json') ? JSON.stringify({ space: given.operands[0], erased: true }) : `${given.operands[0] ?? ''} is erased: nothing of it is left in the files of the relay.`);
    return EXIT_OK;
  },
};

function pathOf({ operands }: ReadFlags, takesId = false): string {
  const [space] = operands;
  if (space === undefined) throw new RelayError('config_invalid', 'a space is missing', { hint: 'Give its name from `relay space list`.' });
  if (!PSEUDONYM.test(space) && !(takesId && ID.test(space))) throw new RelayError('config_invalid', `"${space}" is no name of a space`, { hint: 'Names are 16 letters and digits; `relay space list` shows them.' });
  return `${PATH}/${space}`;
}

function rowsOf(value: unknown): Row[] {
  return Array.isArray(value) ? value.filter((row): row is Row => typeof row === 'object' && row !== null) : [];
}

function renderRow(row: Row): string {
  const lastUse = row['lastUseMs'];
  const cell = (name: string): string => (row[name] === null || row[name] === undefined ? '?' : String(row[name]));
  return line(cell('pseudonym'), cell('entries'), cell('sealedBytes'), cell('devices'), cell('connections'), typeof lastUse === 'number' ? new Date(lastUse).toISOString() : '?');
}

function line(...cells: readonly string[]): string {
  return cells.map((cell, at) => cell.padEnd(COLUMNS[at] ?? 0)).join('').trimEnd();
}

/** `name value` for everything that is no list. */
function factsOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.entries(value).map(([name, fact]) => `${name} ${fact === null ? 'not known' : String(fact)}`) : [];
}
