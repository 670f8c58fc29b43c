// `relay verify-blind`: shows that this version of the relay sees nothing of what clients write, on this machine.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RelayError } from '../../errors.js';
import { renderReport } from '../../verify/report.js';
import { verifyBlind } from '../../verify/verify-blind.js';
import type { CliIo } from '../io.js';

const CANARIES = 1000;
const CANARIES_MIN = 10;
const CANARIES_MAX = 100_000;
const EXIT_NOT_BLIND = 1;

/** Resolves with 0 only when nothing was found and everything was searched that could be. */
export async function verifyBlindCommand(args: readonly string[], io: CliIo): Promise<number> {
  const { canaries, json, quick } = read(args);
  if (json !== '-') io.print(`Starting a relay of this version and planting ${canaries} canaries; this takes a minute …\n`);
  const program = { path: fileURLToPath(new URL('../main.js', import.meta.url)), env: io.env };
  const report = await verifyBlind({ canaries, deep: !quick, core: true, program });
  const text = JSON.stringify(report, null, 2);
  if (json === '-') {
    io.print(text);
  } else {
    io.print(renderReport(report));
    if (json !== undefined) writeFileSync(json, `${text}\n`);
  }
  return report.blind ? 0 : EXIT_NOT_BLIND;
}

function read(args: readonly string[]): { readonly canaries: number; readonly json: string | undefined; readonly quick: boolean } {
  const { values } = parsed(args);
  const canaries = Number(values.canaries ?? CANARIES);
  if (!Number.isInteger(canaries) || canaries < CANARIES_MIN || canaries > CANARIES_MAX) {
    throw new RelayError('config_invalid', `--canaries is not a number from ${CANARIES_MIN} to ${CANARIES_MAX}`);
  }
  return { canaries, json: values.json, quick: values.quick ?? false };
}

function parsed(args: readonly string[]): { readonly values: { readonly canaries?: string; readonly json?: string; readonly quick?: boolean } } {
  try {
    return parseArgs({ args: [...args], options: { canaries: { type: 'string' }, json: { type: 'string' }, quick: { type: 'boolean' } } });
  } catch (cause) {
    throw new RelayError('config_invalid', cause instanceof Error ? cause.message : String(cause), { hint: 'Run `relay --help`.' });
  }
}
