// What the routes of the admin API have in common.
import { problemSchema } from '../plugins/problem.js';

export const noQuery = { type: 'object', properties: {}, additionalProperties: false } as const;
export const problems = { '4xx': problemSchema, '5xx': problemSchema } as const;
/** A pseudonym as the core makes them. */
export const pseudonym = { type: 'string', pattern: '^[a-z2-7]{16}$', description: 'Pseudonym of a space.' } as const;
export const pseudonymParams = { type: 'object', required: ['pseudonym'], properties: { pseudonym } } as const;
/** A space as who asks for its end names it: people know the id of their space, and no pseudonym of a relay. */
export const spaceNameParams = {
  type: 'object',
  required: ['pseudonym'],
  properties: { pseudonym: { type: 'string', pattern: '^([a-z2-7]{16}|[0-9a-f]{64})$', description: 'Pseudonym or id of a space.' } },
} as const;
export const count = { type: 'integer' } as const;
export const unknownCount = { type: ['integer', 'null'] } as const;
export const unknownText = { type: ['string', 'null'] } as const;

/** An object that has all of these and nothing else. */
export function exactly<P extends Readonly<Record<string, unknown>>>(properties: P): { type: 'object'; additionalProperties: false; required: string[]; properties: P } {
  return { type: 'object', additionalProperties: false, required: Object.keys(properties), properties };
}
