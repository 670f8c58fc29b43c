/** Storage for a device in browsers. */
export { IndexedDbDeviceStore } from './indexeddb-store.js';
