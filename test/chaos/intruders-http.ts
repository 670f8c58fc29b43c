// The same intruder over HTTP: recorded handshakes, and tokens that were changed or joined from two.
import { randomBytes } from 'node:crypto';
import type { DeviceSecret } from '../../src/client/crypto/keys.ts';
import { toHex } from '../../src/protocol/hex.ts';
import { framed, type HttpClient, HttpSession } from '../support/http-client.ts';
import { proof, type RawSpace } from '../support/raw-client.ts';
import { helloOf, type Outcome } from './intruders.ts';

const random = (limit: number): number => randomBytes(4).readUInt32BE() % limit;

/** What an intruder has over HTTP: a recorded second request, and tokens of both. */
export interface HttpLoot {
  readonly client: HttpClient;
  readonly recorded: Uint8Array;
  readonly victimToken: Uint8Array;
  readonly ownToken: Uint8Array;
}

/** Records the victim's handshake and takes tokens for both. */
export async function recordHttp(client: HttpClient, address: string, victim: readonly [RawSpace, DeviceSecret], own: readonly [RawSpace, DeviceSecret]): Promise<HttpLoot> {
  const [space, device] = victim;
  const hello = helloOf(space.id, device.key);
  const [challenge, ticket] = (await client.exchange('POST', '/v1/session', {}, framed(hello))).raw;
  if (challenge === undefined || ticket === undefined) throw new Error('no challenge');
  const recorded = Buffer.concat([hello, challenge, ticket, await proof(space, device, hello, challenge)].map(framed));
  const { answer } = await client.exchange('POST', '/v1/session', {}, recorded);
  if (answer.statusCode !== 200) throw new Error(`the victim was not welcomed: ${answer.statusCode}`);
  const token = async (of: readonly [RawSpace, DeviceSecret]): Promise<Uint8Array> => Buffer.from((await HttpSession.open(client, address, ...of)).token, 'base64url');
  return { client, recorded, victimToken: await token(victim), ownToken: await token(own) };
}

async function ask({ client }: HttpLoot, method: string, path: string, token: Uint8Array | undefined, body: Uint8Array): Promise<Outcome> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${Buffer.from(token).toString('base64url')}` };
  const { answer, raw } = await client.exchange(method, path, headers, body);
  return { accepted: answer.statusCode === 200, told: `${answer.statusCode} ${raw.map(toHex).join(' ')}` };
}

/** Recorded second requests: one answer for all. */
export const HTTP_REPLAYS: readonly ((loot: HttpLoot) => Promise<Outcome>)[] = [(loot) => ask(loot, 'POST', '/v1/session', undefined, loot.recorded)];

/** Tokens that nobody was given: one answer for all. */
export const FORGERIES: readonly ((loot: HttpLoot) => Promise<Outcome>)[] = [
  (loot) => pull(loot, flip(loot.victimToken)),
  (loot) => pull(loot, flip(loot.ownToken)),
  (loot) => pull(loot, join(loot.ownToken, loot.victimToken)),
  (loot) => pull(loot, join(loot.victimToken, loot.ownToken)),
  (loot) => pull(loot, Uint8Array.from(randomBytes(loot.victimToken.length))),
];

function pull(loot: HttpLoot, token: Uint8Array): Promise<Outcome> {
  return ask(loot, 'GET', '/v1/pull?log_epoch=1&after=0', token, new Uint8Array());
}

function flip(bytes: Uint8Array): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  const at = random(bytes.length);
  flipped[at] = (flipped[at] ?? 0) ^ (1 << random(8));
  return flipped;
}

/** The first part of one and the rest of the other, cut where both differ on each side. */
function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = (cut: number): Buffer => Buffer.concat([first.subarray(0, cut), second.subarray(cut)]);
  const cuts = Array.from({ length: first.length - 1 }, (_, i) => i + 1).filter((cut) => !joined(cut).equals(first) && !joined(cut).equals(second));
  return joined(cuts[random(cuts.length)] ?? 1);
}
