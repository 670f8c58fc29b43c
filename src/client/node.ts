// The SDK on Node, which before version 22 has no WebSocket of its own: the one of `ws` is the default.
import { WebSocket } from 'ws';
import { createSpaceWith, openSpaceWith } from './space/open.js';
import type { CreateSpaceOptions, OpenSpaceOptions } from './space/open.js';
import type { CallsOf, SpacePart } from './space/space-part.js';
import type { Space } from './space/space.js';
import type { TextWebSocketConstructor } from './transport/text-socket.js';
import type { WebSocketConstructor } from './transport/websocket-transport.js';

/** Makes a new space with this device as its first. It works offline; the relay learns of it at the first connection. */
export function createSpace<const P extends readonly SpacePart[] = readonly []>(options: CreateSpaceOptions<P>): Promise<Space & CallsOf<P>> {
  return createSpaceWith({ webSocket: NodeWebSocket, ...options }, {});
}

/** Opens the space of a link as a new device, or continues with the device that the storage holds. */
export function openSpace<const P extends readonly SpacePart[] = readonly []>(options: OpenSpaceOptions<P>): Promise<Space & CallsOf<P>> {
  return openSpaceWith({ webSocket: NodeWebSocket, ...options }, {});
}

/** The WebSocket of `ws`, without compression: sealed bytes do not compress. Its type is not that of `ws`, whose types an app may not have. */
export const NodeWebSocket: WebSocketConstructor & TextWebSocketConstructor = class extends WebSocket {
  constructor(url: string) {
    super(url, { perMessageDeflate: false });
  }
};

export * from './index.js';
export { FileDeviceStore } from '../client-node/file-device-store.js';
