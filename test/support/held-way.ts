// A way to an in-memory relay on which messages can be held back.
import type { OpenTransport } from '../../src/client/transport/transport.js';
import type { HonestRelay } from './honest-relay.js';
import type { RelayUnderTest } from './test-space.js';

/** What the relay says waits while it is held. */
export class HeldWay implements RelayUnderTest {
  readonly #relay: HonestRelay;
  readonly #waiting: (() => void)[] = [];
  #isHeld = false;

  constructor(relay: HonestRelay) {
    this.#relay = relay;
  }

  address(): string {
    return this.#relay.address();
  }

  transport(): OpenTransport {
    const open = this.#relay.transport();
    const pass = (call: () => void): void => void (this.#isHeld ? this.#waiting.push(call) : call());
    return (url, hooks) => open(url, { ...hooks, message: (message) => pass(() => hooks.message(message)) });
  }

  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    for (const call of this.#waiting.splice(0)) call();
  }
}
