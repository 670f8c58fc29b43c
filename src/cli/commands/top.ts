// `relay top`: the running relay, live: rates since the look before, what waits, who is slow.
import { setTimeout as sleep } from 'node:timers/promises';
import { RelayError } from '../../errors.js';
import type { OptionSpec } from '../../config/options.js';
import { parseValue } from '../../config/values.js';
import { ask } from '../ask.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import { TARGET_SWITCHES, findTarget, type Target } from '../target.js';

const PERIOD_MS = 1000;
const PERIOD_SPEC: OptionSpec = { group: 'time', type: 'duration', default: PERIOD_MS, min: 200, max: 60_000, doc: '', secret: false, reloadable: false };
const CLEAR = '\u001B[2J\u001B[H';
const LABEL_COLUMNS = 13;

/** What a look shows; rates are per second since the look before. */
export interface TopView {
  readonly time: string;
  readonly ready: boolean;
  readonly rates: Readonly<Record<'entries' | 'entryBytes' | 'commits' | 'deliveries' | 'messagesIn' | 'messagesOut' | 'bytesIn' | 'bytesOut' | 'ephemeral', number>>;
  readonly now: Readonly<Record<'spaces' | 'activeSpaces' | 'sessions' | 'connections' | 'pushesWaiting' | 'pushBytesWaiting' | 'diskBytes', number>>;
  readonly syncMs: number;
  /** Since the look before. */
  readonly trouble: Readonly<Record<'slowConsumers' | 'lagged' | 'ephemeralDropped' | 'pushesRefused' | 'writeStalls', number>>;
}

export const topCommand: Command = {
  name: 'top',
  summary: 'shows what the running relay does, live',
  about: ['Looks at the admin address of the relay on this machine once a second and shows rates, spaces, what waits for the disk, and who reads too slowly. Ctrl-C ends it.'],
  operand: null,
  options: ['admin.host', 'admin.port'],
  switches: [
    { name: 'once', value: null, doc: 'Shows one period and ends.' },
    { name: 'every', value: '<duration>', doc: 'How often to look; 1s without it.' },
    ...TARGET_SWITCHES,
    JSON_SWITCH,
  ],
  examples: [
    { line: 'relay top --once', does: 'one second of it' },
    { line: 'relay top --once --every 300ms --json', does: 'a shorter one, as JSON; without --once a line for each look' },
  ],
  exits: ['shown', 'nobody answers'],
  run: async (given, io) => {
    const target = await findTarget('admin', given, io);
    const text = given.switches.get('every');
    const parsed = text === undefined ? null : parseValue(PERIOD_SPEC, text);
    if (parsed?.ok === false) throw new RelayError('config_invalid', `--every: "${text ?? ''}" is not valid`, { hint: `Give ${parsed.expected}.` });
    const periodMs = Number(parsed?.value ?? PERIOD_MS);
    const isOnce = given.switches.has('once');
    for (let before = await look(target); ; ) {
      await sleep(periodMs);
      const after = await look(target);
      const view = viewOf(before, after);
      if (given.switches.has('json')) io.print(JSON.stringify(view));
      else io.print(`${io.isTerminal && !isOnce ? CLEAR : ''}${renderView(view)}`);
      if (isOnce) return EXIT_OK;
      before = after;
    }
  },
};

interface Look {
  readonly timeMs: number;
  readonly ready: boolean;
  readonly storeLatencyMs: number;
  readonly figures: ReadonlyMap<string, number>;
}

async function look({ baseUrl, timeoutMs }: Target): Promise<Look> {
  const { status, body } = await ask({ url: `${baseUrl}/status`, method: 'GET', timeoutMs, hint: 'Is the relay running, with its admin listener on?' });
  if (status !== 200 || body === null) throw new RelayError('relay_unreachable', `${baseUrl} answered ${status} and is no admin listener of this relay`);
  const figures = Object.entries(body['figures'] ?? {}).filter((figure): figure is [string, number] => typeof figure[1] === 'number');
  return { timeMs: Date.now(), ready: body['ready'] === true, storeLatencyMs: Number(body['storeLatencyMs'] ?? 0), figures: new Map(figures) };
}

/** What changed between two looks. A relay that was restarted in between counts from nothing. */
export function viewOf(before: Look, after: Look): TopView {
  const seconds = Math.max(after.timeMs - before.timeMs, 1) / 1000;
  const now = (name: string): number => after.figures.get(name) ?? 0;
  const grown = (name: string): number => {
    const earlier = before.figures.get(name) ?? 0;
    return now(name) >= earlier ? now(name) - earlier : now(name);
  };
  const rate = (...names: readonly string[]): number => Math.round((names.reduce((sum, name) => sum + grown(name), 0) / seconds) * 10) / 10;
  return {
    time: new Date(after.timeMs).toISOString(),
    ready: after.ready,
    rates: {
      entries: rate('entriesTotal'),
      entryBytes: rate('entryBytesTotal'),
      commits: rate('commitsTotal'),
      deliveries: rate('entriesLiveTotal', 'entriesLogTotal'),
      messagesIn: rate('messagesInTotal'),
      messagesOut: rate('messagesOutTotal'),
      bytesIn: rate('bytesInTotal'),
      bytesOut: rate('bytesOutTotal'),
      ephemeral: rate('ephemeralFramesTotal'),
    },
    now: {
      spaces: now('spaces'),
      activeSpaces: now('activeSpaces'),
      sessions: now('sessions'),
      connections: now('connectionsOpen'),
      pushesWaiting: now('pushesWaiting'),
      pushBytesWaiting: now('pushBytesWaiting'),
      diskBytes: now('diskBytes'),
    },
    syncMs: after.storeLatencyMs,
    trouble: {
      slowConsumers: grown('slowConsumersTotal'),
      lagged: grown('subscribersLaggedTotal'),
      ephemeralDropped: grown('ephemeralDroppedTotal'),
      pushesRefused: grown('pushesRefusedTotal'),
      writeStalls: grown('writeStallsTotal'),
    },
  };
}

function renderView({ time, ready, rates, now, syncMs, trouble }: TopView): string {
  return [
    row('Time', `${time}, ${ready ? 'ready' : 'NOT READY'}`),
    row('Entries', `${rates.entries}/s in ${rates.commits} commits/s (${rates.entryBytes} B/s); ${rates.deliveries}/s delivered`),
    row('Messages', `${rates.messagesIn}/s in (${rates.bytesIn} B/s), ${rates.messagesOut}/s out (${rates.bytesOut} B/s), ${rates.ephemeral}/s ephemeral`),
    row('Spaces', `${now.activeSpaces} of ${now.spaces} in use, ${now.sessions} sessions, ${now.connections} connections`),
    row('Waiting', `${now.pushesWaiting} pushes (${now.pushBytesWaiting} B), sync ${syncMs.toFixed(1)} ms, ${now.diskBytes} B on disk`),
    row('Slow', `${trouble.slowConsumers} slow, ${trouble.lagged} fell behind, ${trouble.writeStalls} cut, ${trouble.ephemeralDropped} ephemeral dropped, ${trouble.pushesRefused} pushes refused`),
  ].join('\n');
}

function row(label: string, text: string): string {
  return label.padEnd(LABEL_COLUMNS) + text;
}
