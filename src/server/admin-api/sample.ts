// One stored record with every field as it lies on the disk: what a relay that cannot read anything really holds.
import type { App } from '../fastify.js';
import { askCore, type ReadCore } from './core-of.js';
import { count, exactly, problems, pseudonym } from './schemas.js';

/** What a field of a record tells whoever reads the disk. */
export const REVEALS: Readonly<Record<string, string>> = {
  body_len: 'How long the record is. Sealed sizes lie on a coarse grid (PADMÉ), so this is not the exact length of what was written.',
  crc: 'A checksum over what follows. It shows damage and says nothing else.',
  type: 'That this is an entry, and not a roster or a mark.',
  zeros: 'Nothing.',
  space: 'Which space it belongs to: a public key. Here a pseudonym stands for it.',
  seq: 'The place of the entry in the order of its space.',
  device: 'Which device wrote it: a public key, without a name. Here a pseudonym stands for it.',
  push_seq: 'How many entries this device had written to this space by then.',
  key_epoch: 'Which generation of keys sealed it, so: how often devices were removed.',
  entry_id: 'The hash of the sealed bytes. It names them and cannot be turned back.',
  sealed: 'What the app wrote, sealed on the device. The relay has no key that opens it.',
};

const sampleSchema = exactly({
  space: pseudonym,
  segment: count,
  offset: count,
  recordBytes: count,
  fields: {
    type: 'array',
    items: exactly({
      name: { type: 'string' },
      length: { ...count, description: 'Length in the record, in bytes.' },
      hex: { type: ['string', 'null'], description: 'Its bytes, of long ones the first; null where a pseudonym stands for them.' },
      pseudonym: { type: ['string', 'null'] },
      reveals: { type: 'string' },
    }),
  },
});
const answer = exactly({ sample: { anyOf: [sampleSchema, { type: 'null' }] } });

export function sampleRoute(app: App, core: ReadCore): void {
  const query = { type: 'object', additionalProperties: false, properties: { space: pseudonym } } as const;
  app.get<{ Querystring: { space?: string } }>(
    '/admin/api/sample',
    { schema: { tags: ['blindness'], summary: 'The newest stored record of a space, or of the one written to last; null when nothing is stored.', querystring: query, response: { 200: answer, ...problems } } },
    async ({ query: { space } }, reply) => {
      const sample = await askCore(core, (port) => port.sample(space ?? null));
      const shown = sample === null ? null : { ...sample, fields: sample.fields.map((field) => ({ ...field, reveals: REVEALS[field.name] ?? '' })) };
      return reply.header('cache-control', 'no-store').send({ sample: shown });
    },
  );
}
