// One raw WebSocket connection to the relay: send these messages, collect every frame until it closes.
import { WebSocket } from 'ws';
import { decodeRelayFrame } from '../../src/protocol/relay-frame-codec.ts';
import type { RelayFrame } from '../../src/protocol/relay-frame.ts';

export interface Exchange {
  readonly messages: readonly Uint8Array[];
  readonly frames: readonly RelayFrame[];
  readonly closeCode: number;
  /** From the last message sent to the first one received after it, milliseconds. */
  readonly answerMs: number;
}

const OPEN_MS_MAX = 15_000;

/** A step of an exchange: the next message to send, made from what has been received so far. */
export type Step = (received: readonly Uint8Array[]) => Uint8Array | string | Promise<Uint8Array | string>;

/** Sends each step's message after as many messages as there were steps before it have been received; waits for the close. */
export async function exchange(url: string, steps: readonly Step[]): Promise<Exchange> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const messages: Uint8Array[] = [];
  let sentAt = 0;
  let answerMs = Number.NaN;
  let taken = 0;
  const sendNext = async (): Promise<void> => {
    const step = steps[taken];
    if (step === undefined) return;
    taken += 1;
    const message = await step(messages);
    sentAt = performance.now();
    socket.send(message);
  };
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.terminate();
      reject(new Error('the relay did not close the connection'));
    }, OPEN_MS_MAX);
    socket.on('open', () => void sendNext().catch(reject));
    socket.on('message', (data: Buffer) => {
      if (taken === steps.length && Number.isNaN(answerMs)) answerMs = performance.now() - sentAt;
      messages.push(Uint8Array.from(data));
      void sendNext().catch(reject);
    });
    socket.on('error', reject);
    socket.on('close', (closeCode) => {
      clearTimeout(timer);
      resolve({ messages, frames: messages.map(decodeRelayFrame), closeCode, answerMs });
    });
  });
}
