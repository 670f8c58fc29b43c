// A space with one device per connection, and a session token for each: what a generator of pushes over HTTP needs.
import { randomBytes } from 'node:crypto';
import { Handshake } from '../../dist/client/connection/handshake.js';
import { createEd25519 } from '../../dist/client/crypto/ed25519.js';
import { deriveRootSecret, generateDeviceSecret } from '../../dist/client/crypto/keys.js';
import { parseRelayAddress } from '../../dist/protocol/address.js';
import { compareBytes } from '../../dist/protocol/equal-bytes.js';
import { hash, ZEROS } from '../../dist/protocol/hash.js';
import { decodeRelayFrame } from '../../dist/protocol/relay-frame-codec.js';
import { encodeRoster, parseRoster, rosterSigningBytes } from '../../dist/protocol/roster.js';

const LENGTH_BYTES = 4;
/** Type, push_seq, key epoch, number of entries, length of the entry. */
const PUSH_HEAD_BYTES = 1 + 8 + 4 + 2 + 4;
/** Where push_seq stands in a body of one push. */
export const PUSH_SEQ_AT = LENGTH_BYTES + 1;

const random = (/** @type {number} */ length) => Uint8Array.from(randomBytes(length));

/** A body with one push of one entry; push_seq is written in before each request. */
export function pushBody(/** @type {number} */ entryBytes) {
  const body = Buffer.concat([Buffer.alloc(LENGTH_BYTES + PUSH_HEAD_BYTES), randomBytes(entryBytes)]);
  body.writeUInt32BE(PUSH_HEAD_BYTES + entryBytes, 0);
  body.writeUInt8(0x10, LENGTH_BYTES);
  body.writeUInt32BE(1, LENGTH_BYTES + 9);
  body.writeUInt16BE(1, LENGTH_BYTES + 13);
  body.writeUInt32BE(entryBytes, LENGTH_BYTES + 15);
  return body;
}

/**
 * Tokens of as many writing devices of one new space.
 * @param {string} address
 * @param {number} count
 * @returns {Promise<string[]>}
 */
export async function openSessions(address, count) {
  const ed25519 = await createEd25519();
  const root = await deriveRootSecret(random(32), ed25519);
  const devices = await Promise.all(Array.from({ length: count }, () => generateDeviceSecret(random, ed25519)));
  const keyring = random(64);
  const listed = devices.map(({ key, hpke }) => ({ key, hpke, rights: /** @type {const} */ ('write'), notAfter: 0 }));
  const sorted = listed.toSorted((left, right) => compareBytes(left.key, right.key));
  const names = { space: root.key, version: 1, previous: ZEROS, keyEpoch: 1, keyringHash: hash(keyring), rootHpke: root.hpke, signer: root.key };
  const fields = { ...names, queueMode: false, devices: sorted, former: [] };
  const chain = [encodeRoster(fields, await ed25519.sign(root.seed, rosterSigningBytes(fields)))];
  const tokens = [];
  for (const identity of devices) {
    const offer = { space: root.key, logId: parseRelayAddress(address).logId, identity, rosterVersion: 1, rosterHash: parseRoster(chain[0] ?? ZEROS).hash, news: { chain, keyring } };
    tokens.push(await openSession(address, new Handshake(offer, ed25519, random(32))));
  }
  return tokens;
}

/**
 * @param {string} address
 * @param {Handshake} handshake
 */
async function openSession(address, handshake) {
  const [challenge, ticket] = await post(address, [handshake.hello]);
  const step = await handshake.receive(required(challenge));
  if (step.kind !== 'reply') throw new Error('the relay refused the hello');
  const [welcome, token] = await post(address, [handshake.hello, required(challenge), required(ticket), step.message]);
  await handshake.receive(required(welcome));
  const frame = decodeRelayFrame(required(token));
  if (frame.type !== 'SessionToken') throw new Error('no token');
  return Buffer.from(frame.token).toString('base64url');
}

/**
 * @param {string} address
 * @param {Uint8Array[]} frames
 * @returns {Promise<Uint8Array[]>}
 */
async function post(address, frames) {
  const { host, port } = parseRelayAddress(address);
  const lengths = frames.map((frame) => Buffer.from([frame.length >>> 24, frame.length >>> 16, frame.length >>> 8, frame.length]));
  const body = Buffer.concat(frames.flatMap((frame, at) => [required(lengths[at]), frame]));
  const answer = await fetch(`http://${host}:${port}/v1/session`, { method: 'POST', body });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const found = [];
  for (let at = 0; at + LENGTH_BYTES <= bytes.length; ) {
    const end = at + LENGTH_BYTES + bytes.readUInt32BE(at);
    found.push(Uint8Array.from(bytes.subarray(at + LENGTH_BYTES, end)));
    at = end;
  }
  if (answer.status !== 200) throw new Error(`the relay answered ${answer.status}`);
  return found;
}

/**
 * @template T
 * @param {T | undefined} value
 * @returns {T}
 */
function required(value) {
  if (value === undefined) throw new Error('the relay left a frame out');
  return value;
}
