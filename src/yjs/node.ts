// The provider on Node, which before version 22 has no WebSocket of its own: the one of `ws` is the default.
import type * as Y from 'yjs';
import { NodeWebSocket } from '../client/node.js';
import { WebsocketProvider as Provider } from './index.js';
import type { ProviderOptions } from './index.js';

/** Keeps a document in sync with the other devices of a room. */
export class WebsocketProvider extends Provider {
  constructor(link: string | null, roomname: string, doc: Y.Doc, options: ProviderOptions = {}) {
    super(link, roomname, doc, { ...options, webSocket: options.webSocket ?? options.WebSocketPolyfill ?? NodeWebSocket });
  }
}

export type { IgnoredOptions, ProviderEvents, ProviderOptions } from './index.js';
