// The only importer of the native addon. Every error that leaves this file is a RelayError.
import type * as NativeAddon from '../../index.js';
import { RelayError } from '../errors.js';
import type { EmbeddedPort, ExportReport, LogResetReport, RelayConfig, RelayPort } from './relay-port.js';

type Addon = typeof NativeAddon;

/** Starts the data plane of the native addon. */
export async function startRelayPort(config: RelayConfig, onEvents: () => void): Promise<RelayPort> {
  const { RelayCore } = await loadAddon(() => import('../../index.js'));
  return portOf(await converted(() => RelayCore.start(config, onEvents)));
}

/** Starts the data plane without a port: whoever calls owns the sockets. */
export async function startEmbeddedPort(config: RelayConfig, onEvents: () => void): Promise<EmbeddedPort> {
  const { RelayCore } = await loadAddon(() => import('../../index.js'));
  let listener = (): void => undefined;
  const core = await converted(() => RelayCore.start(config, onEvents, () => listener()));
  return {
    ...portOf(core),
    receive: (batch) => core.receive(batch),
    takeOutput: () => core.takeOutput(),
    onOutput: (called) => void (listener = called),
  };
}

function portOf(core: NativeAddon.RelayCore): RelayPort {
  return {
    info: () => core.info(),
    stats: () => core.stats(),
    measures: () => core.measures(),
    drainEvents: () => core.drainEvents(),
    drainFoundings: () => core.drainFoundings(),
    answerFounding: (id, said) => core.answerFounding(id, said),
    reloadCertificate: () => converted(() => core.reloadCertificate()),
    drainSpans: () => core.drainSpans(),
    beat: () => core.beat(),
    eraseSpace: (space) => converted(() => core.eraseSpace(space)),
    spaces: (after, count) => converted(() => core.spaces(after, count)),
    space: (pseudonym) => converted(() => core.space(pseudonym)),
    slowReaders: (count) => converted(() => core.slowReaders(count)),
    tenants: (after, count) => converted(() => core.tenants(after, count)),
    foreignTenants: (after, count) => converted(() => core.foreignTenants(after, count)),
    eraseForeignTenant: (pseudonym) => converted(() => core.eraseForeignTenant(pseudonym)),
    sample: (pseudonym) => converted(() => core.sample(pseudonym)),
    eraseByPseudonym: (pseudonym) => converted(() => core.eraseByPseudonym(pseudonym)),
    beginExport: async (space) => {
      const source = await converted(() => core.beginExport(space));
      return { next: () => converted(() => source.next()) };
    },
    importSpace: (path) => converted(() => core.importSpace(path)),
    stop: ({ drainMs }) => converted(() => core.stop({ drainMs })),
  };
}

/** Begins a new log epoch in a restored data directory on which no relay runs. */
export async function resetLog(dataDir: string): Promise<LogResetReport> {
  const { RelayCore } = await loadAddon(() => import('../../index.js'));
  return await converted(() => RelayCore.resetLog(dataDir));
}

/** Checks a file that a relay wrote of a space, and says what it holds. */
export async function verifyExport(path: string): Promise<ExportReport> {
  const { RelayCore } = await loadAddon(() => import('../../index.js'));
  return await converted(() => RelayCore.verifyExport(path));
}

/** Sends one datagram to a socket of this machine and does not wait; false when nobody took it. `@name` is an abstract socket. */
export async function loadSendDatagram(): Promise<(path: string, payload: Uint8Array) => boolean> {
  const { RelayCore } = await loadAddon(() => import('../../index.js'));
  return (path, payload) => RelayCore.sendDatagram(path, payload);
}

/** Loads the addon, or says which package is missing. */
export async function loadAddon(load: () => Promise<Addon>): Promise<Addon> {
  try {
    return await load();
  } catch (cause) {
    const platform = `${process.platform}-${process.arch}`;
    throw new RelayError('addon_missing', `the native part of sealrelay for ${platform} could not be loaded`, {
      hint:
        `Install sealrelay without leaving out optional packages, so that @sealrelay/core-${platform}* comes with it; ` +
        'in a clone of the source, run `npm run build`.',
      cause,
    });
  }
}

async function converted<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toRelayError(error);
  }
}

/** Native errors carry `code`, `temporary` and `hint`; anything else is a bug and says so. */
export function toRelayError(error: unknown): RelayError {
  if (error instanceof RelayError) return error;
  if (!(error instanceof Error)) return new RelayError('internal', String(error), { cause: error });
  const { code, temporary, hint } = error as Error & { code?: unknown; temporary?: unknown; hint?: unknown };
  return new RelayError(typeof code === 'string' ? code : 'internal', error.message, {
    temporary: temporary === true,
    hint: typeof hint === 'string' ? hint : null,
    cause: error,
  });
}
