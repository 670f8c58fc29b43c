/**
 * HTTP for networks that let no WebSocket through. WebSockets are tried first, and now and then again.
 *
 * ```ts
 * const space = await openSpace({ link, parts: [httpFallback] });
 * ```
 */
import type { SpacePart } from '../space/space-part.js';
import { fallbackTransport } from './fallback-transport.js';
import { httpTransport } from './http-transport.js';

/** The part, for any space. */
export const httpFallback: SpacePart = {
  name: 'httpFallback',
  transport: (webSockets, environment) => fallbackTransport(webSockets, httpTransport((url, init) => fetch(url, init)), environment),
};
