// Runs a relay from the command line: says where it is, reloads on SIGHUP, and ends after a signal.
import { resolve } from 'node:path';
import { isLoopback } from '../config/bind.js';
import { parseLogTarget } from '../config/destinations.js';
import { describeFinding } from '../config/finding.js';
import type { ReadFlags } from '../config/flags.js';
import { inspectConfig, orThrow } from '../config/load.js';
import type { Config } from '../config/options.js';
import { NO_PROXY } from '../config/proxies.js';
import { isTlsOn } from '../config/tls.js';
import { loadSendDatagram, startRelayPort } from '../native/addon.js';
import { authority, relayAddress } from '../server/address.js';
import { auditLogIn } from '../server/audit/open-audit.js';
import { DATA_PLANE_ROUTES } from '../server/data-plane-routes.js';
import { showsDemo } from '../server/demo/open-demo.js';
import { runUntilSignal, type Run } from '../server/lifecycle.js';
import { handedSocket, serviceManager } from '../server/lifecycle/service-manager.js';
import type { LogFields } from '../server/log/fields.js';
import { openSink, type LogSink } from '../server/log/sink.js';
import { buildLogger } from '../server/logging.js';
import { LogRing } from '../server/logging-ring.js';
import { startServer, type RunningServer } from '../server/main.js';
import { describeProtocol, openProtocols, settingsWithoutEffect } from '../server/open-protocols.js';
import { VERSION } from '../version.js';
import { emphasisFor, renderBanner, type BannerFacts } from './banner.js';
import { withDomains } from './serve-domains.js';
import { withHandedSocket } from './serve-socket.js';
import { EXIT_OK } from './command.js';
import type { CliIo } from './io.js';
import { servingLine, withoutSignIn } from './serving-line.js';

const OPEN_TO_ALL = 'listening without TLS where other machines can connect (insecure): the network sees who talks to this relay, when and how much';

/** Resolves with the exit code once the relay has stopped. `shown` is what a person at a terminal sees when it listens; with `--json` it is a line for a program. */
export async function serve(read: ReadFlags, io: CliIo, shown: (facts: BannerFacts) => string = (facts) => renderBanner(facts, emphasisFor(io.env))): Promise<number> {
  const listenFd = handedSocket(io.env, process.pid);
  const given = withHandedSocket(withDomains(read), listenFd);
  const inspected = await inspectConfig(given, io.env);
  const { config, warnings, ...first } = orThrow(inspected);
  let { origin } = first;
  const forProgram = read.switches.has('json');
  // On a terminal the banner has stdout to itself, and for a program its line; elsewhere the log is what stdout is for.
  const sink = await openLog(config, io, forProgram);
  const logRing = new LogRing(sink);
  const logger = buildLogger(config['log.level'], logRing);
  const manager = serviceManager({ env: io.env, pid: process.pid, sendDatagram: await loadSendDatagram() });
  for (const warning of [...warnings, ...settingsWithoutEffect(config).map(describeFinding), ...(isOpenToAll(config) ? [OPEN_TO_ALL] : [])]) {
    if (io.isTerminal) io.printError(`relay: ${warning}`);
    else logger.warn(warning);
  }
  // A reload opens the log file anew, for logrotate; SIGUSR2 does only that.
  const reread = async (): Promise<Config> => {
    sink.reopen();
    const again = orThrow(await inspectConfig(given, io.env));
    origin = again.origin;
    return again.config;
  };
  process.on('SIGUSR2', sink.reopen);
  const start = async (stopping: AbortSignal): Promise<Run> => {
    const audit = auditLogIn(config['data-dir'], logger);
    const server = await startServer(config, { logger, startPort: startRelayPort, routes: DATA_PLANE_ROUTES, reread, audit, origin: () => origin, logRing, listenFd, stopping });
    return {
      stop: async () => {
        manager.stopping();
        await server.stop();
        manager.close();
      },
      // A terminal that closes sends SIGHUP too; a relay nobody can see any more must not stay behind.
      reload: io.isTerminal ? null : () => void server.reload(),
      ready: () => {
        const facts = factsOf(server, config, inspected.file);
        if (forProgram) io.print(servingLine(facts, server.info, process.pid));
        else if (io.isTerminal) io.print(shown(facts));
        if (!io.isTerminal) logger.info({ ...withoutSignIn(facts), redirectPort: server.info.redirectPort, durability: 'fsync', tls: facts.tls ? '1.3' : 'off', auditHead: server.auditHead() } satisfies LogFields, 'relay is listening');
        manager.ready(`listening on ${facts.relayAddress}`);
      },
    };
  };
  await runUntilSignal(start, {
    signals: process,
    exitNow: (code) => process.exit(code),
    log: (message) => (io.isTerminal && !forProgram ? io.print(message) : logger.info(message)),
    hangsUp: io.isTerminal,
  });
  if (!io.isTerminal) logger.info('relay has stopped');
  process.off('SIGUSR2', sink.reopen);
  await sink.close();
  return EXIT_OK;
}

/** Where proxies are named they are who connects, and end TLS. */
function isOpenToAll(config: Config): boolean {
  return !isLoopback(config.host) && !isTlsOn(config) && (config.insecure || config['behind-proxy'] === NO_PROXY);
}

async function openLog(config: Config, io: CliIo, isStdoutTaken: boolean): Promise<LogSink> {
  const wanted = parseLogTarget(config['log.to']);
  if (wanted === null) throw new Error('the configuration was checked');
  const target = isStdoutTaken && wanted.kind === 'stdout' ? ({ kind: 'stderr' } as const) : wanted;
  const sendDatagram = target.kind === 'syslog-unix' ? await loadSendDatagram() : () => false;
  return openSink({ target, format: config['log.format'], isTerminal: io.isTerminal, colors: io.isTerminal && (io.env['NO_COLOR'] ?? '') === '', sendDatagram });
}

function factsOf(server: RunningServer, config: Config, file: string | null): BannerFacts {
  const { info, admin } = server;
  return {
    version: VERSION,
    relayAddress: relayAddress(info),
    dataDir: resolve(config['data-dir']),
    configFile: file === null ? null : resolve(file),
    metricsUrl: admin === null ? null : `http://${authority(admin.host, admin.port)}/metrics`,
    adminUrl: admin === null ? null : (admin.link ?? `http://localhost:${admin.port}/admin`),
    isFirstSignIn: admin !== null && admin.link !== null,
    tls: info.tls,
    demoUrl: showsDemo(config) ? `${info.tls ? 'https' : 'http'}://${authority(info.certificateName ?? info.host, info.port)}/demo` : null,
    isOpen: !isLoopback(config.host),
    isBehindProxy: config['behind-proxy'] !== NO_PROXY,
    foreign: openProtocols(config).map(describeProtocol),
  };
}
