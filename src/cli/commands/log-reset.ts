// `relay log-reset`: what an operator runs once after a data directory came back from a backup, before the relay starts again.
import { resolve } from 'node:path';
import { readFlags } from '../../config/flags.js';
import { inspectConfig, orThrow } from '../../config/load.js';
import { resetLog } from '../../native/addon.js';
import type { CliIo } from '../io.js';

/** Resolves with the exit code; throws when a relay holds the directory or it cannot be used. */
export async function logReset(args: readonly string[], io: CliIo): Promise<number> {
  const flags = readFlags(args, { keys: ['data-dir'], switches: [], operandsMax: 0 });
  const { config, warnings } = orThrow(await inspectConfig(flags, io.env));
  for (const warning of warnings) io.printError(`relay: ${warning}`);
  const dataDir = resolve(config['data-dir']);
  const { oldEpoch, newEpoch, spaces } = await resetLog(dataDir);
  if (spaces === 0) {
    io.print(`${dataDir} holds no space; nothing was changed.`);
    return 0;
  }
  io.print(
    [
      `${dataDir}: ${spaces} ${spaces === 1 ? 'space begins' : 'spaces begin'} log epoch ${newEpoch}; epoch ${oldEpoch} has ended.`,
      'Start the relay now. Each device reports `log-reset` at its next connection and pushes',
      'again those of its entries that this log lacks; entries of devices that never return stay lost.',
    ].join('\n'),
  );
  return 0;
}
