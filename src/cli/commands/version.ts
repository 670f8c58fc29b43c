// `relay version`.
import { BUILD, PROTOCOL_VERSIONS, VERSION } from '../../version.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';

export const versionCommand: Command = {
  name: 'version',
  summary: 'prints the version',
  about: ['Prints the version of this program; as JSON also the commit it was built from and the protocol versions it speaks.'],
  operand: null,
  options: [],
  switches: [JSON_SWITCH],
  examples: [
    { line: 'relay version', does: 'one word' },
    { line: 'relay version --json', does: 'everything about the build' },
  ],
  exits: ['done', 'failed'],
  run: async ({ switches }, io) => {
    const facts = { version: VERSION, commit: BUILD.commit, date: BUILD.date, node: process.versions.node, protocolVersions: PROTOCOL_VERSIONS };
    io.print(switches.has('json') ? JSON.stringify(facts) : VERSION);
    return EXIT_OK;
  },
};
