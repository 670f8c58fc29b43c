// `relay serve`, and what `relay` alone does.
import { OPTION_KEYS } from '../../config/options.js';
import type { Command } from '../command.js';

export const serveCommand: Command = {
  name: 'serve',
  summary: 'starts a relay and runs until it is told to stop',
  about: [
    'Starts a relay on this machine, safe as it is: it listens on loopback only, keeps its data in ./relay-data, and says "synced" only after the entry is on disk.',
    'SIGTERM and Ctrl-C drain: clients are told when to return, then the store is closed. SIGHUP reads the configuration again; SIGUSR2 opens the log file anew.',
  ],
  operand: null,
  options: OPTION_KEYS,
  switches: [],
  examples: [
    { line: 'relay serve', does: 'listens on 127.0.0.1:8080' },
    { line: 'relay serve --port 9000 --data-dir ./notes-relay', does: 'another port, another place for the data' },
    { line: 'relay serve --config sealrelay.yaml', does: 'takes its options from a file' },
    { line: 'RELAY_LOG_LEVEL=debug relay serve --admin.port off', does: 'logs more; no admin listener' },
    { line: 'relay serve --log.format text', does: 'logs for people, not for programs' },
  ],
  exits: ['stopped in order', 'could not start or run'],
  // Loaded when it is needed: the other commands answer without the server.
  run: async (given, io) => (await import('../serving.js')).serve(given, io),
};
