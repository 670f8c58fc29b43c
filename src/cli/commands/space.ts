// `relay space export|import|verify`: a space as a file, out of one relay and into another.
import { resolve } from 'node:path';
import { RelayError } from '../../errors.js';
import type { ReadFlags } from '../../config/flags.js';
import type { ExportReport } from '../../native/relay-port.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import type { CliIo } from '../io.js';
import { ADMIN_OPTIONS, TARGET_SWITCHES, findTarget } from '../target.js';

const URL_SWITCH = TARGET_SWITCHES.filter(({ name }) => name === 'url');
const FILE_DEFAULT = 'space.srspace';

export const spaceExport: Command = {
  name: 'space export',
  summary: 'writes a space of the running relay into a file',
  about: [
    'The file holds what the relay holds of the space and can itself not read: sealed entries in their order, roster and keyring as stored, signed heads, acks, the newest snapshot, and blobs. It is of one moment, signed by the relay, and checked before it gets its name.',
    'Treat it like a backup: who has it learns what a relay learns, and cannot open anything.',
  ],
  operand: '<space>',
  options: ADMIN_OPTIONS,
  switches: [{ name: 'out', value: '<file>', doc: `Where to write; ${FILE_DEFAULT} without it.` }, ...URL_SWITCH, JSON_SWITCH],
  examples: [
    { line: 'relay space export $SPACE', does: 'into ./space.srspace' },
    { line: 'relay space export $SPACE --out moved.srspace --json', does: 'into another file; what it holds as JSON' },
  ],
  exits: ['the file is written and holds', 'there is no such space, or the file could not be written'],
  run: async (given, io) => {
    const space = operand(given, 'a space', 'Give its name from the list of spaces, or its id.');
    const target = await findTarget('admin', given, io);
    const path = resolve(given.switches.get('out') ?? FILE_DEFAULT);
    const { download } = await import('../transfer.js');
    const { verifyExport } = await import('../../native/addon.js');
    let report: ExportReport | null = null;
    await download(target, `/admin/api/spaces/${encodeURIComponent(space)}/export`, path, async (part) => {
      report = await verifyExport(part);
    });
    if (report !== null) show(path, report, given, io);
    return EXIT_OK;
  },
};

export const spaceVerify: Command = {
  name: 'space verify',
  summary: 'checks a file of a space and says what it holds',
  about: [
    'Checks every byte: the signature of the relay that wrote it, that the entries make the head that relay signed, the roster chain, acks and the snapshot. It needs no relay.',
  ],
  operand: '<file>',
  options: [],
  switches: [JSON_SWITCH],
  examples: [
    { line: 'relay space verify space.srspace', does: 'for people' },
    { line: 'relay space verify space.srspace --json', does: 'what it holds, as JSON' },
  ],
  exits: ['the file holds', 'it does not, or cannot be read'],
  run: async (given, io) => {
    const path = resolve(operand(given, 'a file', 'Name the file that `relay space export` wrote.'));
    const { verifyExport } = await import('../../native/addon.js');
    show(path, await verifyExport(path), given, io);
    return EXIT_OK;
  },
};

export const spaceImport: Command = {
  name: 'space import',
  summary: 'makes a space of a file in the running relay',
  about: [
    'The relay checks the file and orders the same entries in the same order in a log of its own. Devices go on when they are given the address of this relay; what only the old relay got after the export they push again.',
    'A file can be imported again, and a later export of the same space after the first one: only what is not there yet is added. Where the relay holds the space with another log, nothing is touched.',
  ],
  operand: '<file>',
  options: ADMIN_OPTIONS,
  switches: [...URL_SWITCH, JSON_SWITCH],
  examples: [
    { line: 'relay space import space.srspace', does: 'into the relay of this machine' },
    { line: 'relay space import other.srspace --json', does: 'another file; what it held, as JSON' },
  ],
  exits: ['all of it is on the disk of the relay', 'nothing of a new space is'],
  run: async (given, io) => {
    const path = resolve(operand(given, 'a file', 'Name the file that `relay space export` wrote.'));
    const target = await findTarget('admin', given, io);
    const { upload } = await import('../transfer.js');
    const report = await upload(target, '/admin/api/spaces/import', path);
    if (given.switches.has('json')) io.print(JSON.stringify(report, null, 2));
    else io.print(`${Number(report['entries'] ?? 0)} entries are in the relay, ${Number(report['added'] ?? 0)} of them new. Give the devices its address; see docs/guides/moving-house.md.`);
    return EXIT_OK;
  },
};

function operand({ operands }: ReadFlags, what: string, hint: string): string {
  const [first] = operands;
  if (first === undefined) throw new RelayError('config_invalid', `${what} is missing`, { hint });
  return first;
}

function show(path: string, report: ExportReport, { switches }: ReadFlags, io: CliIo): void {
  if (switches.has('json')) io.print(JSON.stringify({ file: path, ...report }, null, 2));
  else io.print(renderReport(path, report));
}

/** What a file holds, for people. */
export function renderReport(path: string, report: ExportReport): string {
  const { floor, size, entries, entryBytes, leavesFrom, headIsProven, rosterVersion, devices, acks, snapshotSize, snapshotBytes, blobs, blobBytes, logId, logEpoch, exportedMs } = report;
  return [
    `${path} holds`,
    `  entries   ${entries} (${entryBytes} sealed bytes), seq ${floor} to ${size}`,
    `  leaves    ${leavesFrom === 1 ? 'of the whole log' : `from seq ${leavesFrom} on; older ones were forgotten`}`,
    `  head      signed by the relay${headIsProven ? ', and made by these entries' : '; the leaves do not reach back far enough to make it'}`,
    `  roster    version ${rosterVersion}, ${devices} ${devices === 1 ? 'device' : 'devices'}; ${acks} acks`,
    `  snapshot  ${snapshotSize === 0 ? 'none' : `up to seq ${snapshotSize}, ${snapshotBytes} sealed bytes`}`,
    `  blobs     ${blobs === 0 ? 'none' : `${blobs}, ${blobBytes} sealed bytes`}`,
    `  relay     ${logId}, log epoch ${logEpoch}`,
    `  written   ${new Date(exportedMs).toISOString()}`,
  ].join('\n');
}
