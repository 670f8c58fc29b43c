// What a service manager is told and what it hands over: sd_notify(3) and socket activation (sd_listen_fds(3)), without a library.
import type { Environment } from '../../config/environment.js';

/** The first descriptor that is handed over. */
const LISTEN_FDS_START = 3;
/** The watchdog is fed this often within its time. */
const FEEDS_PER_PERIOD = 2;

export interface ServiceManager {
  /** The relay takes work; feeds the watchdog from here on. */
  ready(status: string): void;
  stopping(): void;
  /** Feeds the watchdog no more. */
  close(): void;
}

export interface ServiceManagerDeps {
  readonly env: Environment;
  readonly pid: number;
  readonly sendDatagram: (path: string, payload: Buffer) => boolean;
}

/** Tells nobody when nobody asked. */
export function serviceManager({ env, pid, sendDatagram }: ServiceManagerDeps): ServiceManager {
  const socket = env['NOTIFY_SOCKET'] ?? '';
  const say = (...lines: readonly string[]): void => {
    if (socket !== '') sendDatagram(socket, Buffer.from(lines.join('\n')));
  };
  const periodMs = watchdogMs(env, pid);
  let feeding: NodeJS.Timeout | null = null;
  return {
    ready(status) {
      say('READY=1', `STATUS=${status}`, `MAINPID=${pid}`);
      if (periodMs !== null) feeding = setInterval(() => say('WATCHDOG=1'), periodMs / FEEDS_PER_PERIOD);
      feeding?.unref();
    },
    stopping: () => say('STOPPING=1', 'STATUS=draining'),
    close() {
      if (feeding !== null) clearInterval(feeding);
    },
  };
}

function watchdogMs(env: Environment, pid: number): number | null {
  const micros = Number(env['WATCHDOG_USEC'] ?? '');
  const isMine = env['WATCHDOG_PID'] === undefined || env['WATCHDOG_PID'] === String(pid);
  return isMine && Number.isFinite(micros) && micros > 0 ? micros / 1000 : null;
}

/** The one listening socket that was handed to this process; null for none. */
export function handedSocket(env: Environment, pid: number): number | null {
  return env['LISTEN_PID'] === String(pid) && env['LISTEN_FDS'] === '1' ? LISTEN_FDS_START : null;
}
