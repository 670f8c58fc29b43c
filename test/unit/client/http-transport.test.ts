// The session over HTTP on a relay whose answers are written down: what ends it, as the relay would end a WebSocket.
import { expect, test } from 'vitest';
import { httpTransport } from '../../../src/client/transport/http-transport.js';
import { ByteWriter } from '../../../src/protocol/byte-writer.js';
import { ERRORS } from '../../../src/protocol/errors.js';
import type { ErrorName } from '../../../src/protocol/errors.js';
import { FRAME_TYPE } from '../../../src/protocol/frame-type.js';
import { encodeRelayFrame } from '../../../src/protocol/relay-frame-codec.js';
import { ManualClock } from '../../support/manual-clock.js';

const HELLO = Uint8Array.of(FRAME_TYPE.Hello);
const PROOF = Uint8Array.of(FRAME_TYPE.Proof);
const PUSH = Uint8Array.of(FRAME_TYPE.Push);
const CHALLENGE = Uint8Array.of(FRAME_TYPE.Challenge);
const WELCOME = Uint8Array.of(FRAME_TYPE.Welcome);
const TOKEN = encodeRelayFrame({ type: 'SessionToken', expiresInMs: 1, token: new Uint8Array(32) });

const error = (name: ErrorName): Uint8Array => encodeRelayFrame({ type: 'Error', code: ERRORS[name].code, context: 0, retryAfterMs: 0, detail: new Uint8Array() });
const answer = (status: number, ...frames: readonly Uint8Array[]): Response => {
  const writer = new ByteWriter();
  for (const frame of frames) writer.bytes32(frame);
  return new Response(writer.finish(), { status });
};

/** Says the messages one after the other, each when the one before was answered; gives the types of frames that came, and the close code. */
async function session(answers: readonly Response[], ...messages: readonly Uint8Array<ArrayBuffer>[]): Promise<readonly (number | string)[]> {
  const told: (number | string)[] = [];
  const left = [...answers];
  const transport = httpTransport(async () => left.shift() ?? answer(200), new ManualClock())('wss://relay.example/v1/connect', {
    opened: () => undefined,
    message: (bytes) => void told.push(bytes[0] ?? 0),
    closed: ({ code }) => void told.push(`closed ${code}`),
  });
  for (const message of messages) transport.send(message);
  while (transport.bufferedBytes > 0) await new Promise((resolve) => void setTimeout(resolve, 0));
  transport.close(1000, '');
  return told;
}

const welcomed = (): Response[] => [answer(200, CHALLENGE), answer(200, WELCOME, TOKEN)];

test('a refused handshake ends the transport at once, as the relay would end a WebSocket', async () => {
  const refused = [answer(200, CHALLENGE), answer(401, error('handshake_failed'))];
  expect(await session(refused, HELLO, PROOF)).toEqual([FRAME_TYPE.Challenge, FRAME_TYPE.Error, 'closed 1006']);
  expect(await session([answer(503, error('overloaded'))], HELLO, PROOF)).toEqual([FRAME_TYPE.Error, 'closed 1006']);
});

test('a refused push ends it only where the error says so', async () => {
  expect(await session([...welcomed(), answer(413, error('quota_exceeded'))], HELLO, PROOF, PUSH)).toEqual([FRAME_TYPE.Challenge, FRAME_TYPE.Welcome, FRAME_TYPE.Error]);
  expect(await session([...welcomed(), answer(503, error('draining'))], HELLO, PROOF, PUSH)).toEqual([FRAME_TYPE.Challenge, FRAME_TYPE.Welcome, FRAME_TYPE.Error, 'closed 1006']);
});

test('an answer that is not the relay\'s ends it', async () => {
  for (const strange of [new Response(null, { status: 502 }), new Response('<html>', { status: 200 })]) expect(await session([strange], HELLO)).toEqual(['closed 1006']);
});
