// What a person sees when the relay has started: where it is, what it promises, what it can see, what to paste next.
// It holds one secret at most: the one-time admin link, good for half an hour, and only until somebody can sign in otherwise.
import { renderUnicodeCompact } from 'uqr';
import { wrap } from '../config/render.js';

const COLUMNS = 80;
const LABEL_COLUMNS = 15;

/** The whole list of what reaches the relay in clear. */
export const SEES = [
  'space id',
  'device keys and their rights',
  'push_seq',
  'key epoch',
  'padded sizes of entries and snapshots',
  'arrival times',
  'acks',
  'IP addresses (in memory only)',
];

/** What never does. */
export const NEVER_SEES = ['text', 'names of devices, documents and fields', 'operations and their order within a document', 'keys that open anything'];

export interface BannerFacts {
  readonly version: string;
  readonly relayAddress: string;
  readonly dataDir: string;
  /** The configuration file that was read, or null. */
  readonly configFile: string | null;
  readonly metricsUrl: string | null;
  /** The page with two devices; null where it is off. */
  readonly demoUrl: string | null;
  /** The admin page, or the one-time link to it; null when it is off. */
  readonly adminUrl: string | null;
  /** Whether the link signs in. */
  readonly isFirstSignIn: boolean;
  /** Clients speak TLS to the relay itself. */
  readonly tls: boolean;
  /** Other machines can connect. */
  readonly isOpen: boolean;
  /** Proxies are named, which end TLS. */
  readonly isBehindProxy: boolean;
  /** Foreign protocols that are served, and what of them is in clear; a line each. */
  readonly foreign: readonly string[];
}

/** Terminal control for emphasis; both empty when colour is off. */
export interface Emphasis {
  readonly on: string;
  readonly off: string;
}

/** Bold on a terminal, unless NO_COLOR is set to anything but the empty string. */
export function emphasisFor(env: Readonly<Record<string, string | undefined>>): Emphasis {
  const plain = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return plain ? { on: '', off: '' } : { on: '\u001B[1m', off: '\u001B[22m' };
}

/** The code to paste: it opens a space on this relay and prints the link for the second device. */
export function clientSnippet(relayAddress: string): string {
  return [
    "import { createSpace } from 'sealrelay/client';",
    '',
    'const relay =',
    `  '${relayAddress}';`,
    'const space = await createSpace({ relay });',
    'await space.whenSynced();',
    "console.log('open it on a second device:', space.link);",
  ].join('\n');
}

/** What is promised holds for the relay's own protocol. */
const FOREIGN_EXCEPTION = ' But it sees what the protocols that are also open leave in clear.';

export function renderBanner(facts: BannerFacts, emphasis: Emphasis): string {
  const strong = (text: string): string => `${emphasis.on}${text}${emphasis.off}`;
  return [
    '',
    strong(`sealrelay ${facts.version} is running`),
    '',
    ...(facts.demoUrl === null ? [] : [strong('See it: two devices, and all the relay gets of them'), facts.demoUrl, '']),
    strong('Relay address'),
    facts.relayAddress,
    '',
    renderUnicodeCompact(facts.relayAddress, { border: 2 }),
    '',
    row('Durability', 'fsync: a receipt leaves only after the entry is on disk'),
    row('TLS', tlsOf(facts)),
    row('Data', facts.dataDir),
    row('Configuration', facts.configFile ?? 'no file'),
    row('Metrics', facts.metricsUrl ?? 'off'),
    ...facts.foreign.map((line, index) => row(index === 0 ? 'Also open' : '', `${line}.`)),
    ...adminLines(facts, strong),
    '',
    row('It can see', `${SEES.join(', ')}.`),
    row('It cannot see', `${NEVER_SEES.join(', ')}.${facts.foreign.length === 0 ? '' : FOREIGN_EXCEPTION}`),
    '',
    strong('Next, in a file of yours (app.mjs, after `npm install sealrelay`)'),
    '',
    clientSnippet(facts.relayAddress),
    '',
    'Ctrl-C stops the relay.',
    '',
  ].join('\n');
}

/** The link is too long for a row. */
function adminLines({ adminUrl, isFirstSignIn }: BannerFacts, strong: (text: string) => string): string[] {
  if (adminUrl === null) return [row('Admin', 'off')];
  if (!isFirstSignIn) return [row('Admin', `${adminUrl} (\`relay admin-link\` signs in)`)];
  return ['', strong('Admin page: this link signs in once, within 30 minutes'), adminUrl];
}

function tlsOf({ tls, isOpen, isBehindProxy }: BannerFacts): string {
  if (tls) return 'on: TLS 1.3, nothing else';
  if (isBehindProxy) return 'off here: the proxies named in behind-proxy end it, and whoever they let through can connect';
  return isOpen ? 'off, and other machines can connect: the network sees who talks to this relay, when and how much' : 'off; only this machine can connect';
}

function row(label: string, text: string): string {
  const lines = wrap(text, COLUMNS - LABEL_COLUMNS);
  return lines.map((line, index) => (index === 0 ? label : '').padEnd(LABEL_COLUMNS) + line).join('\n');
}
