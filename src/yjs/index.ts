/**
 * Yjs over a relay that cannot read the document. Two lines change for an app that uses y-websocket:
 *
 * ```ts
 * import { WebsocketProvider } from 'sealrelay/yjs';
 * const provider = new WebsocketProvider(spaceLink, 'my-room', doc);
 * ```
 */
export { WebsocketProvider } from './provider.js';
export type { IgnoredOptions, ProviderEvents, ProviderOptions } from './provider.js';
