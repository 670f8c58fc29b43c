/**
 * HTTP for networks that let no WebSocket through. WebSockets are tried first, HTTP when they have no answer, and WebSockets again now and then.
 *
 * ```ts
 * const space = await openSpace({ link, parts: [httpFallback] });
 * ```
 */
import type { SpacePart } from '../space/space-part.js';
import { fallbackTransport } from './fallback-transport.js';
import { httpTransport } from './http-transport.js';
import { WebSocketMemory } from './websocket-memory.js';

/** Of all spaces of this program: none finds out anew what another one knows. */
const memory = new WebSocketMemory();

/** The part, for any space. */
export const httpFallback: SpacePart = {
  name: 'httpFallback',
  transport: (webSockets, environment) => fallbackTransport({ webSockets, http: httpTransport((url, init) => fetch(url, init), environment), environment, memory }),
};
