// The route table: which paths the core serves itself. It is handed to the core at start; every other path is the
// control plane's. A path that ends in a star takes WebSockets that no other path takes; rows of a foreign protocol that is off
// are left out.
import type { RouteTable } from './core-config.js';

export const DATA_PLANE_ROUTES: RouteTable = {
  '/v1/connect': 'native',
  '/v1/session': 'session',
  '/v1/push': 'push',
  '/v1/pull': 'pull',
  '/v1/subscribe': 'subscribe',
  '/v1/frames': 'frames',
  '/v1/blobs/': 'blobs',
  '/health/live': 'liveness',
  '/health/ready': 'probe',
  '/sync/push': 'graceful',
  '/sync/pull': 'graceful',
  '/sync/ack': 'graceful',
  '/sync/devices': 'graceful',
  '/sync/export': 'graceful',
  '/sync/import': 'graceful',
  '/api/sync/push': 'graceful',
  '/api/sync/pull': 'graceful',
  '/api/sync/ack': 'graceful',
  '/ws': 'graceful-socket',
  '/gun': 'first-frame-socket',
  '/gun/*': 'gun-socket',
  '/api/v0': 'eidetica',
  '/*': 'plures-socket',
};
