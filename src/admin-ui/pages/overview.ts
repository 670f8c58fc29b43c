// The first page: one sentence about the relay, six lines over time, and what is good to know.
import { get, getIfThere } from '../api.js';
import { chart, type Chart } from '../chart.js';
import { h, replace } from '../dom.js';
import { bytes, count, duration, moment, plural, rate } from '../format.js';
import type { Live } from '../live.js';
import type { Alerts, Figures, Overview } from '../model.js';
import type { PageContext, PageEntry } from '../page.js';
import { repeat } from '../page.js';
import { facts, heading, link, note, trouble } from '../parts.js';

const PERIOD_MS = 5000;

interface Row {
  readonly chart: Chart;
  readonly values: (live: Live) => number[];
}

function rows(): Row[] {
  return [
    { chart: chart('Entries stored', 'per second', rate), values: (live) => live.rates('entriesTotal') },
    { chart: chart('Sealed bytes stored', 'per second', bytes), values: (live) => live.rates('entryBytesTotal') },
    { chart: chart('Entries sent live', 'per second', rate), values: (live) => live.rates('entriesLiveTotal') },
    { chart: chart('Open sessions', '', count), values: (live) => live.values('sessions') },
    { chart: chart('Pushes waiting for the disk', '', count), values: (live) => live.values('pushesWaiting') },
    { chart: chart('Ephemeral frames sent', 'per second', rate), values: (live) => live.rates('ephemeralSentTotal') },
  ];
}

export const overviewPage: PageEntry = {
  name: '',
  title: 'Overview',
  show: async ({ place, signal, live, session }: PageContext) => {
    const sentence = h('p', { class: 'sentence', role: 'status' });
    const stream = h('p', { class: 'stream' });
    const list = rows();
    const about = h('div');
    const firing = h('div', { role: 'status' });
    replace(
      place,
      heading('Overview', null),
      session.passkeysPossible && !session.hasPasskeys ? note('plain', 'There is no passkey yet. ', link('#/access', 'Make one'), ', and you need no link and no token to come in.') : null,
      sentence,
      firing,
      h('div', { class: 'charts' }, ...list.map((row) => row.chart.element)),
      stream,
      about,
    );
    live.follow(() => {
      for (const row of list) row.chart.show(row.values(live));
      stream.textContent = live.state === 'live' ? 'Live, once a second; the last two minutes are shown.' : live.state === 'lost' ? 'The live stream is interrupted; trying again.' : 'Connecting to the live stream.';
    }, signal);
    // A relay that watches nothing is asked once.
    let hasAlerts = true;
    await repeat(PERIOD_MS, signal, async () => {
      try {
        const overview = await get<Overview>('overview', signal);
        sentence.textContent = sentenceOf(overview);
        sentence.className = overview.reason === null ? 'sentence' : 'sentence is-bad';
        replace(about, h('h2', {}, 'This relay'), aboutRelay(overview), h('h2', {}, 'Since it started'), sinceStart(overview.figures ?? {}));
        if (!hasAlerts) return;
        const alerts = await getIfThere<Alerts>('alerts', signal);
        hasAlerts = alerts !== null;
        replace(firing, ...firingAlerts(alerts));
      } catch (error) {
        if (!signal.aborted) replace(about, trouble(error));
      }
    });
  },
};

function firingAlerts(answer: Alerts | null): HTMLElement[] {
  return (answer?.alerts ?? []).filter(({ phase }) => phase === 'firing').map(({ summary, severity }) => note('warning', h('strong', {}, severity), ` ${summary}`));
}

function sentenceOf({ reason, detail, figures, storeLatencyMs }: Overview): string {
  if (reason !== null) return detail ?? 'The relay takes no work.';
  const sessions = figures?.['sessions'] ?? 0;
  const active = figures?.['activeSpaces'] ?? 0;
  const known = figures?.['spaces'] ?? 0;
  if (known === 0) return 'Ready. No space has been founded here yet.';
  const open = sessions === 0 ? 'No device is connected' : `${plural(sessions, 'device is', 'devices are')} connected in ${plural(active, 'space')}`;
  return `Ready. ${open}; ${plural(known, 'space')} ${known === 1 ? 'is' : 'are'} known, and the disk syncs in ${storeLatencyMs < 1 ? 'under 1' : storeLatencyMs.toFixed(1)} ms.`;
}

function aboutRelay(overview: Overview): HTMLElement {
  const { figures } = overview;
  return facts([
    ['Relay address', h('code', { class: 'long' }, overview.relayAddress ?? 'not yet')],
    ['Version', `${overview.version}, on Node ${overview.node}, process ${overview.pid}`],
    ['Started', `${moment(overview.startedAtMs)} UTC, ${duration(figures?.['uptimeMs'] ?? 0)} ago`],
    ['Environment', overview.environment],
    ['Memory', bytes(overview.residentBytes)],
    ['On disk', bytes(figures?.['diskBytes'])],
    ['Spaces in memory', `${count(figures?.['spacesResident'])} of ${count(figures?.['spaces'])}`],
  ]);
}

function sinceStart(figures: Figures): HTMLElement {
  const of = (name: string): string => count(figures[name]);
  return facts([
    ['Entries stored', `${of('entriesTotal')} in ${of('commitsTotal')} commits, ${bytes(figures['entryBytesTotal'])} sealed`],
    ['Entries sent', `${of('entriesLiveTotal')} live, ${of('entriesLogTotal')} from the log`],
    ['Connections', `${of('acceptedTotal')} accepted, ${of('refusedTotal')} refused`],
    ['Slow devices', `${of('slowConsumersTotal')} times a queue was full`],
    ['Spaces erased', of('spacesErasedTotal')],
    ['Damaged reads', of('damagedReadsTotal')],
  ]);
}
