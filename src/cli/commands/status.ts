// `relay status`: how the running relay is, from its admin address.
import { RelayError } from '../../errors.js';
import { ask } from '../ask.js';
import { EXIT_FAILED, EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import { ADMIN_OPTIONS, TARGET_SWITCHES, findTarget } from '../target.js';

const LABEL_COLUMNS = 13;
const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export const statusCommand: Command = {
  name: 'status',
  summary: 'shows how the running relay is',
  about: ['Asks the admin address of the relay on this machine and shows its state, its connections and its store. As JSON it has every figure; /metrics has them for Prometheus.'],
  operand: null,
  options: ADMIN_OPTIONS,
  switches: [...TARGET_SWITCHES, JSON_SWITCH],
  examples: [
    { line: 'relay status', does: 'for people' },
    { line: 'relay status --json', does: 'every figure, for a program' },
  ],
  exits: ['the relay takes work', 'it does not, or nobody answers'],
  run: async (given, io) => {
    const { baseUrl, timeoutMs, token } = await findTarget('admin', given, io);
    const { status, body } = await ask({ url: `${baseUrl}/status`, method: 'GET', timeoutMs, token, hint: 'Is the relay running, with its admin listener on?' });
    if (status !== 200 || body === null) throw new RelayError('relay_unreachable', `${baseUrl} answered ${status} and is no admin listener of this relay`);
    io.print(given.switches.has('json') ? JSON.stringify(body, null, 2) : renderStatus(body));
    return body['ready'] === true ? EXIT_OK : EXIT_FAILED;
  },
};

/** The answer of /status for people. */
export function renderStatus(body: Readonly<Record<string, unknown>>): string {
  const figures = new Map<string, unknown>(Object.entries(body['figures'] ?? {}));
  const figure = (name: string): number => {
    const value = figures.get(name);
    return typeof value === 'number' ? value : 0;
  };
  const latencyMs = Number(body['storeLatencyMs'] ?? 0);
  return [
    row('Relay', String(body['relayAddress'] ?? 'starting')),
    row('State', body['ready'] === true ? 'ready' : `not ready: ${String(body['detail'] ?? body['reason'])}`),
    row('Version', `${String(body['version'])}, process ${String(body['pid'])}, up ${duration(figure('uptimeMs'))}`),
    row('Connections', `${figure('connectionsOpen')} open, ${figure('websocketsOpen')} of them WebSockets; ${figure('refusedTotal')} refused since the start`),
    row('Spaces', `${figure('spaces')} known, ${figure('activeSpaces')} with open sessions (${figure('sessions')})`),
    row('Entries', `${figure('entriesTotal')} made durable in ${figure('commitsTotal')} commits; ${figure('entriesLiveTotal')} sent live, ${figure('entriesLogTotal')} from the log`),
    row('Store', `${size(figure('diskBytes'))} on disk, sync ${latencyMs.toFixed(1)} ms, ${figure('pushesWaiting')} pushes waiting`),
    row('Slow', `${figure('slowConsumersTotal')} times a device read too slowly; ${figure('ephemeralDroppedTotal')} ephemeral frames dropped`),
  ].join('\n');
}

function row(label: string, text: string): string {
  return label.padEnd(LABEL_COLUMNS) + text;
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  return first === -1 ? '0s' : parts.slice(first, first + 2).map(([count, unit]) => `${count}${unit}`).join(' ');
}

function size(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), SIZE_UNITS.length - 1);
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${SIZE_UNITS[power] ?? 'B'}`;
}
