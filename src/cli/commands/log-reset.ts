// `relay log-reset`: what an operator runs once after a data directory came back from a backup, before the relay starts again.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ReadFlags } from '../../config/flags.js';
import { inspectConfig, orThrow } from '../../config/load.js';
import { actAsOwner } from '../as-owner.js';
import { tellAudit } from '../audit-note.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import type { CliIo } from '../io.js';

export const logResetCommand: Command = {
  name: 'log-reset',
  summary: 'after a restored backup: devices push again what is missing',
  about: [
    'Run it once, with the relay stopped, after its data directory came back from a backup. Without it the devices report that the relay rolled back.',
    'Each space begins a new log epoch; devices report it and push again those of their entries that the log lacks.',
  ],
  operand: null,
  options: ['data-dir'],
  switches: [JSON_SWITCH],
  examples: [
    { line: 'relay log-reset', does: 'the directory ./relay-data, or what the configuration says' },
    { line: 'relay log-reset --data-dir ./restored --json', does: 'another directory; the result as JSON' },
  ],
  exits: ['done, or the directory holds no space', 'a relay holds the directory, or it cannot be used'],
  run: logReset,
};

/** Resolves with the exit code; throws when a relay holds the directory or it cannot be used. */
async function logReset(given: ReadFlags, io: CliIo): Promise<number> {
  const { config, warnings } = orThrow(await inspectConfig(given, io.env));
  for (const warning of warnings) io.printError(`relay: ${warning}`);
  const { resetLog } = await import('../../native/addon.js');
  const dataDir = resolve(config['data-dir']);
  const place = existsSync(dataDir) ? actAsOwner(dataDir) : dataDir;
  const { oldEpoch, newEpoch, spaces } = await resetLog(place);
  if (spaces > 0) await tellAudit(place, { action: 'log.reset', subject: null, detail: { spaces: Number(spaces), oldEpoch: Number(oldEpoch), newEpoch: Number(newEpoch) } }, io);
  if (given.switches.has('json')) {
    io.print(JSON.stringify({ dataDir, spaces, oldEpoch, newEpoch }, (_name, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)));
    return EXIT_OK;
  }
  if (spaces === 0) {
    io.print(`${dataDir} holds no space. Log epoch ${newEpoch} begins, so that devices whose spaces were lost found them again and report a log reset.`);
    return EXIT_OK;
  }
  io.print(
    [
      `${dataDir}: ${spaces} ${spaces === 1 ? 'space begins' : 'spaces begin'} log epoch ${newEpoch}; epoch ${oldEpoch} has ended.`,
      'Start the relay now. Each device reports `log-reset` at its next connection and pushes',
      'again those of its entries that this log lacks; entries of devices that never return stay lost.',
    ].join('\n'),
  );
  return EXIT_OK;
}
