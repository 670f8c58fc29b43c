// `relay config show`: the configuration a start would have, and where each value comes from.
import { inspectConfig, orThrow } from '../../config/load.js';
import { OPTIONS, OPTION_KEYS } from '../../config/options.js';
import { shownRows, type ShownRow } from '../../config/shown.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';

export const configShow: Command = {
  name: 'config show',
  summary: 'prints the configuration a start would have',
  about: ['Reads flags, environment and file as `relay serve` would, and prints every option. Secrets are not shown.'],
  operand: null,
  options: OPTION_KEYS,
  switches: [{ name: 'origin', value: null, doc: 'Says where each value comes from: a flag, an environment variable, a line of the file, or the default.' }, JSON_SWITCH],
  examples: [
    { line: 'relay config show --origin', does: 'every option with where it comes from' },
    { line: 'PORT=9000 relay config show --json', does: 'for a program: values as text, with their origins' },
  ],
  exits: ['done', 'failed'],
  run: async (given, io) => {
    const loaded = orThrow(await inspectConfig(given, io.env));
    for (const warning of loaded.warnings) io.printError(`relay: ${warning}`);
    const rows = shownRows(OPTIONS, loaded.config, loaded.origin);
    if (given.switches.has('json')) io.print(JSON.stringify(Object.fromEntries(rows.map(({ key, value, origin }) => [key, { value, origin }])), null, 2));
    else io.print(render(rows, given.switches.has('origin')));
    return EXIT_OK;
  },
};

/** Between columns. */
const GAP = 2;
const VALUE_COLUMNS_MAX = 40;

function render(rows: readonly ShownRow[], withOrigin: boolean): string {
  const keyColumns = Math.max(...rows.map(({ key }) => key.length)) + GAP;
  // A list of regions would push the origins off the screen.
  const valueColumns = Math.max(...rows.map(({ value }) => value.length).filter((length) => length <= VALUE_COLUMNS_MAX)) + GAP;
  return rows.map(({ key, value, origin }) => `${key.padEnd(keyColumns)}${withOrigin ? `${text(value).padEnd(valueColumns - GAP)}${' '.repeat(GAP)}${origin}` : text(value)}`).join('\n');
}

function text(value: string): string {
  return value === '' ? '(not set)' : value;
}
