// `relay config check`: everything that is wrong with the configuration, each with its place and its fix.
import type { ReadFlags } from '../../config/flags.js';
import { describeFinding, type Finding } from '../../config/finding.js';
import { inspectConfig } from '../../config/load.js';
import { checkNamedFiles } from '../../config/named-files.js';
import { OPTION_KEYS } from '../../config/options.js';
import { settingsWithoutEffect } from '../../server/open-protocols.js';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, JSON_SWITCH, type Command } from '../command.js';

export const configCheck: Command = {
  name: 'config check',
  summary: 'says all that is wrong with the configuration',
  about: [
    'Reads flags, environment and file as `relay serve` would, starts nothing, and says everything that is wrong or has no effect: line, column, what it is, and the fix. Files that options name are looked at too: whether this user can read them, and whether the certificate holds.',
    'A file given here is read instead of the one that would be found.',
  ],
  operand: '[file]',
  options: OPTION_KEYS,
  switches: [
    { name: 'strict', value: null, doc: 'Warnings give exit code 1.' },
    { name: 'no-files', value: null, doc: 'Leaves out the files that options name, for a check on another machine than that of the relay.' },
    JSON_SWITCH,
  ],
  examples: [
    { line: 'relay config check', does: 'what a start here would read' },
    { line: 'relay config check sealrelay.yaml --strict --no-files', does: 'this file; for a pipeline' },
    { line: 'relay config check sealrelay.yaml --json', does: 'the findings as JSON' },
  ],
  exits: ['nothing is wrong', 'warnings, with --strict'],
  run: async (given, io) => {
    const { config, origin, file, ...read } = await inspectConfig(withOperand(given), io.env);
    const findings = config === null ? read.findings : [...read.findings, ...(given.switches.has('no-files') ? [] : await checkNamedFiles(config, (key) => origin[key])), ...settingsWithoutEffect(config)];
    if (given.switches.has('json')) io.print(JSON.stringify({ file, findings }, null, 2));
    else io.print(report(file, findings));
    if (findings.some(({ severity }) => severity === 'error')) return EXIT_USAGE;
    return findings.length > 0 && given.switches.has('strict') ? EXIT_FAILED : EXIT_OK;
  },
};

function withOperand({ found, switches, operands }: ReadFlags): Pick<ReadFlags, 'found' | 'switches'> {
  const file = operands[0];
  return { found, switches: file === undefined ? switches : new Map([...switches, ['config', file]]) };
}

function report(file: string | null, findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  const read = file === null ? 'no configuration file' : file;
  return [...findings.map((finding) => `${finding.severity}: ${describeFinding(finding)}`), `${read}: ${errors} ${errors === 1 ? 'error' : 'errors'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`].join('\n');
}
