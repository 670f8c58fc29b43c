// The route table: which paths the core serves itself. It is handed to the core at start; every other path is the
// control plane's.
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
};
