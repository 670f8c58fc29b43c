// `relay serve`, and what `relay` alone does.
import { OPTION_KEYS } from '../../config/options.js';
import { DOMAINS_MAX } from '../../config/tls.js';
import { JSON_SWITCH, type Command } from '../command.js';

export const serveCommand: Command = {
  name: 'serve',
  summary: 'starts a relay and runs until it is told to stop',
  about: [
    'Starts a relay on this machine, safe as it is: it listens on loopback only, keeps its data in ./relay-data, and says "synced" only after the entry is on disk.',
    'With domains behind it, it serves the open network instead: it obtains a certificate for them and renews it, listens on all addresses at port 443 with TLS 1.3, and sends plain HTTP on port 80 there. Everything that is set by name wins over that.',
    'With --json, stdout has one line once it listens: JSON with its addresses, its public key, its data directory and `ready`. The log goes to stderr then, unless --log.to names another place.',
    'SIGTERM and Ctrl-C drain: clients are told when to return, then the store is closed. SIGHUP reads the configuration again; SIGUSR2 opens the log file anew.',
  ],
  operand: '[domain …]',
  operandsMax: DOMAINS_MAX,
  options: OPTION_KEYS,
  switches: [JSON_SWITCH],
  examples: [
    { line: 'relay serve', does: 'listens on 127.0.0.1:8080' },
    { line: 'relay serve relay.example.org --acme.email ops@example.org', does: 'TLS for this name, on all addresses; ports 443 and 80 must be free' },
    { line: 'relay serve --port 9000 --data-dir ./notes-relay', does: 'another port, another place for the data' },
    { line: 'relay serve --config sealrelay.yaml', does: 'takes its options from a file' },
    { line: 'RELAY_LOG_LEVEL=debug relay serve --admin.port off', does: 'logs more; no admin listener' },
    { line: 'relay serve --log.format text', does: 'logs for people, not for programs' },
    { line: 'relay serve --json --log.to file:relay.log', does: 'says where it is as JSON, for a program that starts it' },
  ],
  exits: ['stopped in order', 'could not start or run'],
  // Loaded when it is needed: the other commands answer without the server.
  run: async (given, io) => (await import('../serving.js')).serve(given, io),
};
