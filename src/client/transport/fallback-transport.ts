// WebSockets where they get through, HTTP where they do not, and now and then a look whether they do again.
import type { Environment } from '../environment.js';
import { FALLBACK_MS_MAX, FALLBACK_MS_MIN, WEBSOCKET_OPEN_MS } from '../limits.js';
import type { OpenTransport, Transport, TransportEvents } from './transport.js';

/** Attempts in a row that end without opening before the other way is taken. */
const FAILURES_MAX = 2;
const CLOSED_ABNORMALLY = 1006;

/** Opens `first`, and `second` for a while after `first` did not open twice in a row; once that happened, one more failure leads to `second` again. */
export function fallbackTransport(first: OpenTransport, second: OpenTransport, environment: Pick<Environment, 'now' | 'after'>): OpenTransport {
  let failures = 0;
  let periodMs = FALLBACK_MS_MIN;
  let secondUntil = Number.NEGATIVE_INFINITY;
  const firstAgain = (): void => {
    periodMs = FALLBACK_MS_MIN;
    secondUntil = Number.NEGATIVE_INFINITY;
  };
  const opened = (): void => {
    failures = 0;
    firstAgain();
  };
  const failed = (): void => {
    failures += 1;
    if (failures < FAILURES_MAX) return;
    failures = FAILURES_MAX - 1;
    secondUntil = environment.now() + periodMs;
    periodMs = Math.min(FALLBACK_MS_MAX, periodMs * 2);
  };
  return (url, events) => {
    const restMs = secondUntil - environment.now();
    if (restMs > 0) return openSecond(second, url, events, { environment, restMs, failed: firstAgain });
    return openFirst(first, url, events, environment, { failed, opened });
  };
}

interface Outcome {
  readonly failed: () => void;
  readonly opened: () => void;
}

function openFirst(open: OpenTransport, url: string, events: TransportEvents, environment: Pick<Environment, 'after'>, outcome: Outcome): Transport {
  let isSettled = false;
  const settle = (told: () => void): void => {
    if (isSettled) return;
    isSettled = true;
    deadline.cancel();
    told();
  };
  const close = (): void => {
    if (isSettled) return;
    settle(outcome.failed);
    transport?.close(1000, '');
    events.closed({ code: CLOSED_ABNORMALLY, reason: '' });
  };
  const deadline = environment.after(WEBSOCKET_OPEN_MS, close);
  let transport: Transport | undefined;
  try {
    transport = open(url, {
      message: (bytes) => events.message(bytes),
      opened: () => {
        settle(outcome.opened);
        events.opened();
      },
      closed: (closure) => {
        settle(outcome.failed);
        events.closed(closure);
      },
    });
  } catch {
    queueMicrotask(close);
  }
  return {
    get bufferedBytes() {
      return transport?.bufferedBytes ?? 0;
    },
    send: (message) => transport?.send(message),
    close: (code, reason) => {
      // Given up by the client: that says nothing of the network.
      settle(() => undefined);
      transport?.close(code, reason);
    },
  };
}

interface SecondOptions {
  readonly environment: Pick<Environment, 'after'>;
  /** When it is over, the session is ended and goes on from its cursor, over the first way if that opens. */
  readonly restMs: number;
  readonly failed: () => void;
}

/** When not even the first answer comes, neither way works: the first is tried again. */
function openSecond(open: OpenTransport, url: string, events: TransportEvents, { environment, restMs, failed }: SecondOptions): Transport {
  let hasHeard = false;
  let isOver = false;
  const over = environment.after(restMs, () => {
    if (isOver) return;
    isOver = true;
    transport.close(1000, '');
    events.closed({ code: CLOSED_ABNORMALLY, reason: '' });
  });
  const transport = open(url, {
    opened: () => events.opened(),
    message: (bytes) => {
      hasHeard = true;
      events.message(bytes);
    },
    closed: (closure) => {
      if (isOver) return;
      isOver = true;
      over.cancel();
      if (!hasHeard) failed();
      events.closed(closure);
    },
  });
  return {
    get bufferedBytes() {
      return transport.bufferedBytes;
    },
    send: (message) => transport.send(message),
    close: (code, reason) => {
      isOver = true;
      over.cancel();
      transport.close(code, reason);
    },
  };
}
