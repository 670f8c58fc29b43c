// The same on Node, where the journal can be in a directory.
export * from './index.js';
export { FileDeviceStore } from '../../client-node/file-device-store.js';
