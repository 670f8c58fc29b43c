// The route table: which paths the core serves itself. It is handed to the core at start; every other path is the
// control plane's.
import type { RouteTable } from './core-config.js';

export const DATA_PLANE_ROUTES: RouteTable = {
  '/v1/connect': 'native',
  '/health/live': 'liveness',
};
