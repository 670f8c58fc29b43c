// `relay explain`: what an error of the registry means, by its name or number, or by the HTTP status or close code it came with.
import { nearest } from '../../config/suggest.js';
import { RelayError } from '../../errors.js';
import { ERRORS, type ErrorRow, type Fault } from '../../protocol/errors.js';
import { wrap } from '../../config/render.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';

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

const ROWS: readonly Named[] = Object.entries(ERRORS).map(([name, row]) => ({ name, ...row }));

export const explainCommand: Command = {
  name: 'explain',
  summary: 'says what an error means and what to do about it',
  about: [
    'Takes the name or number of an error as clients and logs show it. A number that is no error is looked up among HTTP statuses and WebSocket close codes.',
    'It says who is at fault, whether the same request can succeed later, and what to do.',
  ],
  operand: '<code>',
  operandChoices: ROWS.map(({ name }) => name),
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
    io.print(switches.has('json') ? JSON.stringify(rows, null, 2) : rows.map(describe).join('\n\n'));
    return EXIT_OK;
  },
};

function find(text: string | undefined): readonly Named[] {
  if (text === undefined) throw new RelayError('config_invalid', '`relay explain` needs an error', { hint: 'Write `relay explain disk_full`.' });
  const name = text.toLowerCase().replaceAll('-', '_');
  const byName = ROWS.filter((row) => row.name === name);
  if (byName.length > 0) return byName;
  if (!/^\d{1,5}$/.test(text)) throw unknown(text, nearest(name, ROWS.map((row) => row.name)));
  const number = Number(text);
  const byCode = ROWS.filter(({ code }) => code === number);
  const byTransport = ROWS.filter(({ http, close }) => http === number || (close === number && close !== 0));
  const rows = byCode.length > 0 ? byCode : byTransport;
  if (rows.length === 0) throw unknown(text, null);
  return rows;
}

function unknown(text: string, near: string | null): RelayError {
  return new RelayError('config_invalid', `no error is called "${text}"`, {
    hint: near === null ? 'docs/reference/errors.md lists them all.' : `Did you mean \`relay explain ${near}\`?`,
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

function row(label: string, text: string): string {
  const lines = wrap(text, COLUMNS - LABEL_COLUMNS);
  return lines.map((line, index) => (index === 0 ? label : '').padEnd(LABEL_COLUMNS) + line).join('\n');
}
