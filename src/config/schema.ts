// The JSON schema of a configuration file, for editors. What it refuses, the relay refuses; the relay takes some spellings more.
import { OPTIONS, OPTION_KEYS, type OptionSpec } from './options.js';
import { formatValue } from './values.js';

type Schema = Readonly<Record<string, unknown>>;

const PORT: Schema = { type: 'integer', minimum: 0, maximum: 65_535 };

export function configSchema(): Schema {
  const properties: Record<string, Schema> = { $schema: { type: 'string' } };
  const sections: Record<string, Record<string, Schema>> = {};
  for (const key of OPTION_KEYS) {
    const [section = '', name] = key.split('.');
    const schema = optionSchema(OPTIONS[key]);
    if (name === undefined) properties[key] = schema;
    else (sections[section] ??= {})[name] = schema;
  }
  for (const [section, inside] of Object.entries(sections)) properties[section] = { type: 'object', additionalProperties: false, properties: inside };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'sealrelay configuration',
    type: 'object',
    additionalProperties: false,
    properties,
  };
}

function optionSchema(spec: OptionSpec): Schema {
  const hasPlainDefault = typeof spec.default === 'object' || typeof spec.default === 'boolean' || spec.type === 'integer' || spec.type.startsWith('port');
  const preset = hasPlainDefault && spec.default !== null ? spec.default : formatValue(spec, spec.default);
  return { description: spec.doc, ...typeSchema(spec), ...(spec.secret ? {} : { default: preset }) };
}

function typeSchema(spec: OptionSpec): Schema {
  switch (spec.type) {
    case 'text':
    case 'path':
      return { type: 'string', minLength: spec.default === '' ? 0 : 1, maxLength: 4096 };
    case 'text-or-off':
    case 'path-or-off':
      return { type: 'string', minLength: 1, maxLength: 4096 };
    case 'choice':
      return { enum: spec.choices };
    case 'boolean':
      return { type: 'boolean' };
    case 'port':
      return PORT;
    case 'port-or-off':
      return { anyOf: [PORT, { const: 'off' }] };
    case 'integer':
      return { type: 'integer', minimum: spec.min, maximum: spec.max };
    case 'duration':
      return { type: 'string', pattern: '^[0-9]{1,12}(ms|s|m|h|d)$' };
    case 'percentage':
      return { type: 'string', pattern: '^[0-9]{1,3}(\\.[0-9]{1,6})?%$' };
    case 'size':
      return { type: 'string', pattern: '^[0-9]{1,12}([KMG]i?)?B$' };
    case 'regions':
      return { type: 'array', maxItems: 64, items: REGION };
  }
}

const REGION: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['id', 'name', 'location'],
  properties: {
    id: { type: 'string', pattern: '^[a-z0-9-]{1,64}$' },
    name: { type: 'string', minLength: 1, maxLength: 100 },
    location: { type: 'string', minLength: 1, maxLength: 100 },
    endpoint: { type: 'string', pattern: '^(https?://.+)?$', maxLength: 500 },
  },
};
