// uWebSockets, where a build of it is at hand: it is in no package registry, so the environment names it.
import { existsSync } from 'node:fs';
import { Absent, startServer } from './processes.mjs';

/**
 * A broadcast server on uWebSockets: `/pub` publishes, every other path subscribes; it prints `{"port":…}` when it listens.
 * @type {import('./servers.mjs').Contestant}
 */
export const UWS = {
  name: 'uws',
  start: async (cores) => {
    const program = process.env['BENCH_UWS'];
    if (program === undefined || !existsSync(program)) throw new Absent('no uWebSockets here (BENCH_UWS names a broadcast server built with it)');
    const server = await startServer(cores, [program], /^\{"port":(\d+)\}$/);
    return { ...server, target: `ws:127.0.0.1:${server.found}`, flags: {} };
  },
};
