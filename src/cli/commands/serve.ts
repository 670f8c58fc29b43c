// `relay serve`: starts a relay, says where it is, and runs until a signal.
import { resolve } from 'node:path';
import pino from 'pino';
import { loadConfig } from '../../config/load.js';
import { startRelayPort } from '../../native/addon.js';
import { authority, relayAddress } from '../../server/address.js';
import { DATA_PLANE_ROUTES } from '../../server/data-plane-routes.js';
import { runUntilSignal } from '../../server/lifecycle.js';
import { buildLogger } from '../../server/logging.js';
import { startServer, type RunningServer } from '../../server/main.js';
import { VERSION } from '../../version.js';
import { emphasisFor, renderBanner } from '../banner.js';
import type { CliIo } from '../io.js';

const STDOUT_FD = 1;
const STDERR_FD = 2;

/** Resolves with the exit code once the relay has stopped. */
export async function serve(args: readonly string[], io: CliIo): Promise<number> {
  const { config, warnings } = loadConfig(args, io.env);
  // On a terminal the banner has stdout to itself; elsewhere the log is what stdout is for.
  const logger = buildLogger(config['log.level'], pino.destination({ fd: io.isTerminal ? STDERR_FD : STDOUT_FD, sync: true }));
  for (const warning of warnings) {
    if (io.isTerminal) io.printError(`relay: ${warning}`);
    else logger.warn(warning);
  }
  const server = await startServer(config, { logger, startPort: startRelayPort, routes: DATA_PLANE_ROUTES });
  const facts = factsOf(server, resolve(config['data-dir']));
  await runUntilSignal(() => server.stop(), {
    signals: process,
    armed: () => {
      if (io.isTerminal) io.print(renderBanner(facts, emphasisFor(io.env)));
      else logger.info({ ...facts, durability: 'fsync', tls: 'off' }, 'relay is listening');
    },
    exitNow: (code) => process.exit(code),
    log: (message) => (io.isTerminal ? io.print(message) : logger.info(message)),
  });
  if (!io.isTerminal) logger.info('relay has stopped');
  return 0;
}

function factsOf(server: RunningServer, dataDir: string): Parameters<typeof renderBanner>[0] {
  const { info, admin } = server;
  return {
    version: VERSION,
    relayAddress: relayAddress(info),
    dataDir,
    metricsUrl: admin === null ? null : `http://${authority(admin.host, admin.port)}/metrics`,
  };
}
