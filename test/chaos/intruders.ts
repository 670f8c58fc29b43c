// Somebody who recorded everything a device ever sent, and who is a member of another space: every way to use that against the
// relay. Each attempt says whether it got in and, byte for byte, what it was told.
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import type { DeviceSecret } from '../../src/client/crypto/keys.ts';
import { connectUrl, parseRelayAddress } from '../../src/protocol/address.ts';
import { encodeClientFrame } from '../../src/protocol/client-frame-codec.ts';
import { ZEROS } from '../../src/protocol/hash.ts';
import { toHex } from '../../src/protocol/hex.ts';
import { decodeRelayFrame } from '../../src/protocol/relay-frame-codec.ts';
import { proof, type RawSpace } from '../support/raw-client.ts';

const ATTEMPT_MS_MAX = 30_000;
const random = (length: number): Uint8Array => Uint8Array.from(randomBytes(length));

/** One handshake as it went over the wire. */
export interface Recording {
  readonly hello: Uint8Array;
  readonly challenge: Uint8Array;
  readonly proof: Uint8Array;
  readonly welcome: Uint8Array;
}

/** What an intruder has. */
export interface Loot {
  readonly address: string;
  readonly victim: RawSpace;
  readonly victimDevice: DeviceSecret;
  readonly recording: Recording;
  /** The intruder's own space and device, known to the relay. */
  readonly own: RawSpace;
  readonly ownDevice: DeviceSecret;
}

/** What an attempt came to. */
export interface Outcome {
  readonly accepted: boolean;
  /** What came after the challenge, and the close code. */
  readonly told: string;
}

type Proof = (challenge: Uint8Array, hello: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** A Hello with a fresh nonce. */
export function helloOf(space: Uint8Array, device: Uint8Array): Uint8Array {
  return encodeClientFrame({ type: 'Hello', versions: [1], features: 0n, space, device, clientNonce: random(32), rosterVersion: 0, rosterHash: ZEROS });
}

/** One handshake with these bytes. */
export function handshake(address: string, hello: Uint8Array, makeProof: Proof): Promise<Outcome & { readonly messages: readonly Uint8Array[] }> {
  const socket = new WebSocket(connectUrl(parseRelayAddress(address)), { perMessageDeflate: false });
  const messages: Uint8Array[] = [];
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.terminate(), ATTEMPT_MS_MAX);
    socket.on('open', () => socket.send(hello));
    socket.on('message', (data: Buffer) => {
      messages.push(Uint8Array.from(data));
      if (messages.length === 1) void Promise.resolve(makeProof(data, hello)).then((bytes) => socket.send(bytes), reject);
      else if (decodeRelayFrame(data).type === 'Welcome') socket.terminate();
    });
    socket.on('error', reject);
    socket.on('close', (code) => {
      clearTimeout(timer);
      const after = messages.slice(1);
      const accepted = after.some((message) => decodeRelayFrame(message).type === 'Welcome');
      resolve({ accepted, told: `${after.map(toHex).join(' ')} ${code}`, messages });
    });
  });
}

/** The victim's handshake, recorded. */
export async function record(address: string, victim: RawSpace, device: DeviceSecret): Promise<Recording> {
  let sent: Uint8Array = ZEROS;
  const hello = helloOf(victim.id, device.key);
  const { messages } = await handshake(address, hello, async (challenge) => (sent = await proof(victim, device, hello, challenge)));
  const [challenge, welcome] = messages;
  if (challenge === undefined || welcome === undefined || decodeRelayFrame(welcome).type !== 'Welcome') throw new Error('the victim was not welcomed');
  return { hello, challenge, proof: sent, welcome };
}

/** Attempts with what was recorded. All of them are failed handshakes, and must be told the same. */
export const REPLAYS: readonly ((loot: Loot) => Promise<Outcome>)[] = [
  ({ address, recording }) => handshake(address, recording.hello, () => recording.proof),
  ({ address, recording, victim, victimDevice }) => handshake(address, helloOf(victim.id, victimDevice.key), () => recording.proof),
  ({ address, recording }) => handshake(address, recording.hello, () => flip(recording.proof)),
  ({ address, recording, own, ownDevice }) => handshake(address, helloOf(own.id, ownDevice.key), () => recording.proof),
  ({ address, recording, victim, ownDevice }) => handshake(address, helloOf(victim.id, ownDevice.key), () => recording.proof),
];

/** Attempts of a member of another space to get into the victim's, and the same at spaces that do not exist. */
export const CROSSINGS: readonly ((loot: Loot) => Promise<Outcome>)[] = [
  ({ address, victim, own, ownDevice }) => handshake(address, helloOf(victim.id, ownDevice.key), (challenge, hello) => proof({ ...own, chain: [], keyring: new Uint8Array() }, ownDevice, hello, challenge)),
  ({ address, victim, own, ownDevice }) => handshake(address, helloOf(victim.id, ownDevice.key), (challenge, hello) => proof(own, ownDevice, hello, challenge)),
  ({ address, victim, ownDevice }) => handshake(address, helloOf(victim.id, ownDevice.key), (challenge, hello) => proof(victim, ownDevice, hello, challenge)),
  ({ address, victim, victimDevice, own, ownDevice }) => handshake(address, helloOf(victim.id, victimDevice.key), (challenge, hello) => proof(own, ownDevice, hello, challenge)),
  ({ address, own, ownDevice }) => handshake(address, helloOf(random(32), ownDevice.key), (challenge, hello) => proof({ ...own, chain: [], keyring: new Uint8Array() }, ownDevice, hello, challenge)),
  ({ address, own, ownDevice }) => handshake(address, helloOf(random(32), ownDevice.key), (challenge, hello) => proof(own, ownDevice, hello, challenge)),
];

function flip(bytes: Uint8Array): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  const at = flipped.length - 1 - ((randomBytes(1)[0] ?? 0) % 32);
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  return flipped;
}
