// `relay config default | env | docs | schema`: what the option table renders to.
import { renderDocs, renderEnvExample } from '../../config/render-docs.js';
import { FORMATS, renderFile, type Format } from '../../config/render-file.js';
import { describedOptions, environmentDefaults } from '../../config/render-json.js';
import { configSchema } from '../../config/schema.js';
import { RelayError } from '../../errors.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';

const plain = { operand: null, options: [], switches: [JSON_SWITCH], exits: ['done', 'failed'] } as const;

export const configDefault: Command = {
  ...plain,
  name: 'config default',
  summary: 'prints a configuration file with every option at its default',
  about: ['Prints a configuration file to start from. Saved as sealrelay.yaml, .toml or .json in the working directory or in /etc/sealrelay, it is found by itself.'],
  switches: [{ name: 'format', value: '<format>', choices: FORMATS, doc: 'The format; yaml without it.' }, { ...JSON_SWITCH, doc: 'The same as --format json.' }],
  examples: [
    { line: 'relay config default > sealrelay.yaml', does: 'a file to start from' },
    { line: 'relay config default --format toml', does: 'the same as TOML' },
    { line: 'relay config default --json', does: 'the same as JSON' },
  ],
  run: async ({ switches }, io) => {
    const named = switches.get('format');
    const asJson = switches.has('json');
    if (asJson && named !== undefined && named !== 'json') throw new RelayError('config_invalid', `--json and --format ${named} exclude each other`, { hint: 'Give one of them.' });
    const format: Format = FORMATS.find((known) => known === named) ?? (asJson ? 'json' : 'yaml');
    io.print(renderFile(format));
    return EXIT_OK;
  },
};

export const configEnv: Command = {
  ...plain,
  name: 'config env',
  summary: 'prints every environment variable with its default',
  about: ['Prints the environment variables as an .env file in which everything is commented out.'],
  examples: [
    { line: 'relay config env > .env.example', does: 'a file for containers and service managers' },
    { line: 'relay config env | grep LIMITS', does: 'the variables about limits' },
    { line: 'relay config env --json', does: 'the same as one object of variables and defaults' },
  ],
  run: async ({ switches }, io) => {
    io.print(switches.has('json') ? JSON.stringify(environmentDefaults(), null, 2) : renderEnvExample().trimEnd());
    return EXIT_OK;
  },
};

export const configDocs: Command = {
  ...plain,
  name: 'config docs',
  summary: 'prints the reference of all options',
  about: ['Prints the reference page of this version, as Markdown.'],
  examples: [
    { line: 'relay config docs > configuration.md', does: 'the page as a file' },
    { line: "relay config docs | grep -A 6 '^### retention'", does: 'one option' },
    { line: 'relay config docs --json', does: 'for a program: type, limits and default of every option' },
  ],
  run: async ({ switches }, io) => {
    io.print(switches.has('json') ? JSON.stringify(describedOptions(), null, 2) : renderDocs().trimEnd());
    return EXIT_OK;
  },
};

export const configSchemaCommand: Command = {
  ...plain,
  name: 'config schema',
  switches: [{ ...JSON_SWITCH, doc: 'Prints JSON, which it does anyway.' }],
  summary: 'prints the JSON schema of the file, for editors',
  about: ['Prints the JSON schema of a configuration file. Editors complete and check with it.'],
  examples: [
    { line: 'relay config schema > sealrelay.schema.json', does: 'for "$schema" in a JSON file or yaml-language-server in a YAML file' },
    { line: 'relay config schema | head -n 5', does: 'a look at it' },
  ],
  run: async (_given, io) => {
    io.print(JSON.stringify(configSchema(), null, 2));
    return EXIT_OK;
  },
};
