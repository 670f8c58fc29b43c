// A control: a WebSocket on which one message of twenty never comes, as a connection that loses silently would have it.
import { WebSocket } from 'ws';

const LOST_EVERY = 20;
/** Frames of a handshake get through, or nothing would ever begin. */
const SPARED = 6;
let received = 0;

export class LossyWebSocket extends WebSocket {
  #heard = 0;

  constructor(url: string) {
    super(url, { perMessageDeflate: false });
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'message') {
      this.#heard += 1;
      received += 1;
      if (this.#heard > SPARED && received % LOST_EVERY === 0) return true;
    }
    return super.emit(event, ...args);
  }
}
