// `relay token …`: invite tokens in the data directory. A relay that runs on it knows of a change at once.
import { RelayError } from '../../errors.js';
import type { ReadFlags } from '../../config/flags.js';
import { inspectConfig, orThrow } from '../../config/load.js';
import type { OptionSpec } from '../../config/options.js';
import { isTenant } from '../../config/tenants.js';
import { parseValue } from '../../config/values.js';
import { INVITE_LABEL_CHARS_MAX, INVITE_USES_MAX, InviteStore, type ListedInvite } from '../../server/admission/invite-store.js';
import { actAsOwner } from '../as-owner.js';
import { tellAudit } from '../audit-note.js';
import { EXIT_FAILED, EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import type { CliIo } from '../io.js';
import { usedDataDir } from '../used-data-dir.js';

const DAY_MS = 24 * 3600 * 1000;
const LIFETIME_MS = 7 * DAY_MS;
const EXPIRES_SPEC: OptionSpec = { group: 'admission', type: 'duration', default: LIFETIME_MS, min: 1000, max: 3650 * DAY_MS, doc: '', secret: false, reloadable: false };
const USES_SPEC: OptionSpec = { group: 'admission', type: 'integer', default: 1, min: 1, max: INVITE_USES_MAX, doc: '', secret: false, reloadable: false };

const ABOUT_PLACE = 'Tokens are files in the data directory, so it works whether the relay runs or not; the disk holds hashes, from which no token can be made.';

export const tokenCreate: Command = {
  name: 'token create',
  summary: 'makes an invite token, with which a device founds a space',
  about: ['Needed where the relay runs with `admission: invite`. The token is printed once; the app hands it to the SDK as `admission: { token }`.', ABOUT_PLACE],
  operand: null,
  options: ['data-dir'],
  switches: [
    { name: 'uses', value: '<number>', doc: 'How many spaces it founds; 1 without it.' },
    { name: 'expires', value: '<duration|never>', doc: 'How long it is good for; 7d without it.' },
    { name: 'label', value: '<text>', doc: 'What it is for, for whoever lists tokens.' },
    { name: 'tenant', value: '<name>', doc: 'On whose account its spaces are; on nobody\'s without it.' },
    JSON_SWITCH,
  ],
  examples: [
    { line: 'relay token create', does: 'for one space, within a week' },
    { line: 'relay token create --uses 5 --expires 30d --label family --json', does: 'for five spaces; as JSON' },
    { line: 'relay token create --uses 100 --tenant acme', does: 'for a hundred spaces that share the limits of a tenant' },
  ],
  exits: ['made', 'the data directory cannot be written, or there are too many tokens'],
  run: create,
};

export const tokenList: Command = {
  name: 'token list',
  summary: 'lists invite tokens and how often they were used',
  about: ['The newest first. The tokens themselves are not shown: nobody has them but whom they were given to.', ABOUT_PLACE],
  operand: null,
  options: ['data-dir'],
  switches: [JSON_SWITCH],
  examples: [
    { line: 'relay token list', does: 'a line for each' },
    { line: 'relay token list --json', does: 'as JSON' },
  ],
  exits: ['listed', 'the data directory cannot be read'],
  run: list,
};

export const tokenRevoke: Command = {
  name: 'token revoke',
  summary: 'makes invite tokens worthless',
  about: ['By its id, by its label, or all. Spaces that were founded with it stay.', ABOUT_PLACE],
  operand: '[id]',
  options: ['data-dir'],
  switches: [
    { name: 'label', value: '<text>', doc: 'All of this label.' },
    { name: 'all', value: null, doc: 'All there are.' },
    JSON_SWITCH,
  ],
  examples: [
    { line: 'relay token revoke --label guest', does: 'those of a label' },
    { line: 'relay token revoke --all --json', does: 'every one; the ids as JSON' },
  ],
  exits: ['revoked, or none has this label', 'there is no token of this id'],
  run: revoke,
};

async function open(given: ReadFlags, io: CliIo): Promise<{ readonly store: InviteStore; readonly dataDir: string }> {
  const { config, warnings } = orThrow(await inspectConfig(given, io.env));
  for (const warning of warnings) io.printError(`relay: ${warning}`);
  const dataDir = actAsOwner(usedDataDir(config['data-dir']));
  return { store: new InviteStore(dataDir, () => Date.now()), dataDir };
}

async function create(given: ReadFlags, io: CliIo): Promise<number> {
  const label = given.switches.get('label') ?? '';
  if (label.length > INVITE_LABEL_CHARS_MAX || /\p{Cc}/u.test(label)) {
    throw new RelayError('config_invalid', '--label is too long or holds a control character', { hint: `Give at most ${INVITE_LABEL_CHARS_MAX} characters.` });
  }
  const tenant = given.switches.get('tenant') ?? null;
  if (tenant !== null && !isTenant(tenant)) {
    throw new RelayError('config_invalid', '--tenant is no name', { hint: 'Give at most 128 printable characters without spaces, commas and equals signs.' });
  }
  const usesMax = numberOf('uses', given, USES_SPEC) ?? 1;
  const lifetimeMs = given.switches.get('expires') === 'never' ? null : (numberOf('expires', given, EXPIRES_SPEC) ?? LIFETIME_MS);
  const { store, dataDir } = await open(given, io);
  const { token, invite } = await store.create({ label, tenant, usesMax, lifetimeMs });
  await tellAudit(dataDir, { action: 'token.created', subject: invite.id, detail: { uses: usesMax } }, io);
  io.print(given.switches.has('json') ? JSON.stringify({ token, ...invite }) : token);
  return EXIT_OK;
}

async function list(given: ReadFlags, io: CliIo): Promise<number> {
  const { store } = await open(given, io);
  const invites = await store.list();
  if (given.switches.has('json')) io.print(JSON.stringify(invites));
  else io.print(invites.length === 0 ? 'There are no invite tokens.' : invites.map(lineOf).join('\n'));
  return EXIT_OK;
}

function lineOf({ id, label, tenant, used, usesMax, expiresAtMs }: ListedInvite): string {
  const until = expiresAtMs === null ? 'never expires' : `${expiresAtMs <= Date.now() ? 'expired' : 'expires'} ${new Date(expiresAtMs).toISOString()}`;
  return `${id}  ${used} of ${usesMax} used  ${until}${tenant === null ? '' : `  tenant ${tenant}`}${label === '' ? '' : `  ${label}`}`;
}

async function revoke(given: ReadFlags, io: CliIo): Promise<number> {
  const [id] = given.operands;
  const label = given.switches.get('label');
  const all = given.switches.has('all');
  if ([id !== undefined, label !== undefined, all].filter(Boolean).length !== 1) {
    throw new RelayError('config_invalid', 'say which token: an id, --label or --all', { hint: 'relay token list shows them.' });
  }
  const { store, dataDir } = await open(given, io);
  const chosen = (await store.list()).filter((invite) => all || invite.id === id || (label !== undefined && invite.label === label));
  if (chosen.length === 0 && id !== undefined) {
    io.printError('relay: there is no such token; relay token list shows them');
    return EXIT_FAILED;
  }
  for (const invite of chosen) {
    if (await store.revoke(invite.id)) await tellAudit(dataDir, { action: 'token.revoked', subject: invite.id }, io);
  }
  const revoked = chosen.map((invite) => invite.id);
  io.print(given.switches.has('json') ? JSON.stringify({ revoked }) : `${revoked.length} ${revoked.length === 1 ? 'token' : 'tokens'} revoked.`);
  return EXIT_OK;
}

function numberOf(name: string, given: ReadFlags, spec: OptionSpec): number | null {
  const text = given.switches.get(name);
  if (text === undefined) return null;
  const parsed = parseValue(spec, text);
  if (parsed.ok && typeof parsed.value === 'number') return parsed.value;
  throw new RelayError('config_invalid', `--${name}: "${text}" is not valid`, { hint: parsed.ok ? null : `Give ${parsed.expected}.` });
}
