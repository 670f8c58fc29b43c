// The same on Node, where the journal can be in a directory, and peers can come.
export * from './index.js';
export { FileDeviceStore } from '../../client-node/file-device-store.js';
export { HttpListener, requestListener } from './serve/node-listener.js';
export type { HttpListenerOptions, NodeHandlerOptions } from './serve/node-listener.js';
export { irohAddress } from './iroh/iroh-address.js';
export { IrohTransport } from './iroh/iroh-transport.js';
export type { IrohOptions } from './iroh/iroh-transport.js';
