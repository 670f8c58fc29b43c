// A control: a WebSocket on which one message of twenty never comes, as a connection that loses silently would have it.
import { NodeWebSocket } from '../../src/client/node.ts';

const LOST_EVERY = 20;
/** Frames of a handshake get through, or nothing would ever begin. */
const SPARED = 6;
let received = 0;

export class LossyWebSocket extends NodeWebSocket {
  #heard = 0;

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'message') {
      this.#heard += 1;
      received += 1;
      if (this.#heard > SPARED && received % LOST_EVERY === 0) return true;
    }
    return super.emit(event, ...args);
  }
}
