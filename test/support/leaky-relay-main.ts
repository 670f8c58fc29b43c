// A double for the control of the canary search: the real relay, but it writes what it was told of the plaintext into its
// log and into every answer of its control plane. Never part of the product; a search that does not catch it is worthless.
import { subscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import pino from 'pino';
import { loadConfig } from '../../src/config/load.ts';
import { startRelayPort } from '../../src/native/addon.ts';
import { relayAddress } from '../../src/server/address.ts';
import { DATA_PLANE_ROUTES } from '../../src/server/data-plane-routes.ts';
import { startServer } from '../../src/server/main.ts';

const leaked = readFileSync(process.env['SEALRELAY_LEAK_FILE'] ?? '', 'utf8').split('\n')[0] ?? '';
const isAnswer = (message: unknown): message is { response: ServerResponse } =>
  typeof message === 'object' && message !== null && 'response' in message;

subscribe('http.server.request.start', (message) => {
  if (isAnswer(message)) message.response.setHeader('x-leaked', leaked);
});

const { config } = loadConfig(process.argv.slice(3), {});
const logger = pino(pino.destination({ fd: 1, sync: true }));
const server = await startServer(config, { logger, startPort: startRelayPort, routes: DATA_PLANE_ROUTES, reread: null });
logger.info({ leaked, relayAddress: relayAddress(server.info) }, 'leaky relay is listening');
process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));
