// `relay explain`: what an error means, by its name or number, or by the HTTP status or close code it came with.
import { nearest } from '../../config/suggest.js';
import { RelayError } from '../../errors.js';
import { ERRORS, type ErrorRow, type Fault } from '../../protocol/errors.js';
import { wrap } from '../../config/render.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import { OPERATOR_CODES, PLACES, type OperatorCode } from '../operator-codes.js';

const COLUMNS = 80;
const LABEL_COLUMNS = 13;

const FAULTS: Readonly<Record<Fault, string>> = {
  peer: 'the client that got it',
  relay: 'the relay',
  environment: 'what the relay stands on (disk, store, network); its operator acts',
};

interface Named extends ErrorRow {
  readonly name: string;
}

/** A code of the operator's side, which has no number. */
interface Unnumbered extends OperatorCode {
  readonly name: string;
}

const ROWS: readonly Named[] = Object.entries(ERRORS).map(([name, row]) => ({ name, ...row }));
const UNNUMBERED: readonly Unnumbered[] = Object.entries(OPERATOR_CODES).map(([name, row]) => ({ name, ...row }));
const NAMES: readonly string[] = [...new Set([...ROWS, ...UNNUMBERED].map(({ name }) => name))];

export const explainCommand: Command = {
  name: 'explain',
  summary: 'says what an error means and what to do about it',
  about: [
    'Takes the name or number of an error as clients, logs, the admin API and starts show it. A number that is no error is looked up among HTTP statuses and WebSocket close codes.',
    'It says who is at fault, whether the same request can succeed later, and what to do. Codes that only operators meet have no number.',
  ],
  operand: '<code>',
  operandChoices: NAMES,
  options: [],
  switches: [JSON_SWITCH],
  examples: [
    { line: 'relay explain disk_full', does: 'by name' },
    { line: 'relay explain 82 --json', does: 'by number, for a program' },
    { line: 'relay explain 4403', does: 'every error that closes a WebSocket with this code' },
  ],
  exits: ['done', 'failed'],
  run: async ({ operands, switches }, io) => {
    const rows = find(operands[0]);
    io.print(switches.has('json') ? JSON.stringify(rows, null, 2) : rows.map((row) => ('code' in row ? describe(row) : describeUnnumbered(row))).join('\n\n'));
    return EXIT_OK;
  },
};

function find(text: string | undefined): readonly (Named | Unnumbered)[] {
  if (text === undefined) throw new RelayError('config_invalid', '`relay explain` needs an error', { hint: 'Write `relay explain disk_full`.' });
  const name = text.toLowerCase().replaceAll('-', '_');
  const byName = [...ROWS, ...UNNUMBERED].filter((row) => row.name === name);
  if (byName.length > 0) return byName;
  if (!/^\d{1,5}$/.test(text)) throw unknown(text, nearest(name, NAMES));
  const number = Number(text);
  const byCode = ROWS.filter(({ code }) => code === number);
  const byTransport = ROWS.filter(({ http, close }) => http === number || (close === number && close !== 0));
  const rows = byCode.length > 0 ? byCode : byTransport;
  if (rows.length === 0) throw unknown(text, null);
  return rows;
}

function unknown(text: string, near: string | null): RelayError {
  return new RelayError('config_invalid', `no error is called "${text}"`, {
    hint: near === null ? 'docs/reference/errors.md and docs/operations/troubleshooting.md list them all.' : `Did you mean \`relay explain ${near}\`?`,
  });
}

function describe({ name, code, fault, temporary, http, close, hint }: Named): string {
  return [
    `${name} (${code})`,
    row('At fault', `${FAULTS[fault]}.`),
    row('Temporary', temporary ? 'yes: the same request can succeed later, unchanged.' : 'no: the same request fails again.'),
    row('Seen as', `HTTP status ${http}; ${close === 0 ? 'the WebSocket stays open' : `the WebSocket is closed with ${close}`}.`),
    row('What to do', hint),
  ].join('\n');
}

function describeUnnumbered({ name, place, means, act }: Unnumbered): string {
  return [name, row('Met', `${PLACES[place]}.`), row('Means', means), row('What to do', act)].join('\n');
}

function row(label: string, text: string): string {
  const lines = wrap(text, COLUMNS - LABEL_COLUMNS);
  return lines.map((line, index) => (index === 0 ? label : '').padEnd(LABEL_COLUMNS) + line).join('\n');
}
