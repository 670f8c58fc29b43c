// `relay verify-blind`: shows that this version of the relay sees nothing of what clients write, on this machine.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ReadFlags } from '../../config/flags.js';
import { RelayError } from '../../errors.js';
import { EXIT_FAILED, EXIT_OK, type Command } from '../command.js';
import type { CliIo } from '../io.js';

const CANARIES = 1000;
const CANARIES_MIN = 10;
const CANARIES_MAX = 100_000;

export const verifyBlindCommand: Command = {
  name: 'verify-blind',
  summary: 'shows that the relay sees nothing of what clients write',
  about: [
    'Starts a relay of this version on a temporary directory, sends random canaries through real clients in every field they have, and searches the wire, the disk, ' +
      'the logs, every answer and the memory for them, in every common encoding.',
  ],
  operand: null,
  options: [],
  switches: [
    { name: 'canaries', value: '<number>', doc: `How many, from ${CANARIES_MIN} to ${CANARIES_MAX}; ${CANARIES} without it.` },
    { name: 'json', value: '<file>', doc: 'Writes the report as JSON; `-` is the standard output.' },
    { name: 'quick', value: null, doc: 'Leaves out the image of the disk and the memory.' },
  ],
  examples: [
    { line: 'relay verify-blind --quick --canaries 20', does: 'a short look' },
    { line: 'relay verify-blind --quick --json report.json', does: 'a thousand canaries; the report in a file' },
  ],
  exits: ['nothing was found, and everything was searched that could be', 'something was found, or not everything could be searched'],
  run: verify,
};

async function verify(given: ReadFlags, io: CliIo): Promise<number> {
  const { canaries, json, quick } = read(given);
  if (json !== '-') io.print(`Starting a relay of this version and planting ${canaries} canaries; this takes a minute …\n`);
  const [{ verifyBlind }, { renderReport }] = await Promise.all([import('../../verify/verify-blind.js'), import('../../verify/report.js')]);
  // Not what the operator configured is looked at, but this version as it is.
  const program = { path: fileURLToPath(new URL('../main.js', import.meta.url)), env: { ...io.env, RELAY_CONFIG: 'off' } };
  const report = await verifyBlind({ canaries, deep: !quick, core: true, program });
  const text = JSON.stringify(report, null, 2);
  if (json === '-') {
    io.print(text);
  } else {
    io.print(renderReport(report));
    if (json !== undefined) writeFileSync(json, `${text}\n`);
  }
  return report.blind ? EXIT_OK : EXIT_FAILED;
}

function read({ switches }: ReadFlags): { readonly canaries: number; readonly json: string | undefined; readonly quick: boolean } {
  const canaries = Number(switches.get('canaries') ?? CANARIES);
  if (!Number.isInteger(canaries) || canaries < CANARIES_MIN || canaries > CANARIES_MAX) {
    throw new RelayError('config_invalid', `--canaries is not a number from ${CANARIES_MIN} to ${CANARIES_MAX}`);
  }
  return { canaries, json: switches.get('json'), quick: switches.get('quick') === 'true' };
}
