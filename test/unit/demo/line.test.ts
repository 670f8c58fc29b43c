import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { Line } from '../../../src/demo/line.ts';

const MESSAGES = 400;
const OPEN = 1;

/** A socket that keeps what it is given, and says what it is told to. */
class Inner extends EventTarget {
  static last: Inner | null = null;
  readonly sent: number[] = [];
  readonly readyState = OPEN;
  readonly bufferedAmount = 0;
  binaryType = '';

  constructor() {
    super();
    Inner.last = this;
    queueMicrotask(() => this.dispatchEvent(new Event('open')));
  }

  send(message: Uint8Array): void {
    this.sent.push(new DataView(message.buffer).getUint16(0));
  }
}

const numbered = (n: number): Uint8Array<ArrayBuffer> => Uint8Array.of(n >> 8, n & 255);

afterEach(() => void vi.unstubAllGlobals());

test('messages keep their order in both directions, however late each of them is', async () => {
  vi.stubGlobal('WebSocket', Inner);
  const conditions = { roundTripMs: 2.7, loss: 0.02, isCut: false };
  const line = new Line(() => conditions, { sent: () => undefined, received: (message) => [message], moved: () => undefined });
  const socket = new line.webSocket('ws://relay');
  const heard: number[] = [];
  socket.addEventListener('message', ({ data }) => heard.push(new DataView(data as ArrayBuffer).getUint16(0)));
  await new Promise<void>((resolve) => socket.addEventListener('open', resolve));
  for (let n = 0; n < MESSAGES; n += 1) {
    conditions.roundTripMs = 2 + (n % 7) * 0.3;
    socket.send(numbered(n));
    Inner.last!.dispatchEvent(new MessageEvent('message', { data: numbered(n).buffer }));
    // Less than a millisecond apart, so that timers of one millisecond can overtake one another.
    for (const until = performance.now() + 0.3; performance.now() < until; );
    if (n % 20 === 19) await sleep(0);
  }
  while (heard.length < MESSAGES || Inner.last!.sent.length < MESSAGES) await sleep(5);
  const inOrder = Array.from({ length: MESSAGES }, (_, n) => n);
  expect(Inner.last!.sent).toEqual(inOrder);
  expect(heard).toEqual(inOrder);
});
