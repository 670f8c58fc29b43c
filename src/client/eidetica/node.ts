// The same on Node, where the journal can be in a directory, and peers can come.
export * from './index.js';
export { FileDeviceStore } from '../../client-node/file-device-store.js';
export { HttpListener, requestListener } from './serve/node-listener.js';
export type { HttpListenerOptions, NodeHandlerOptions } from './serve/node-listener.js';
