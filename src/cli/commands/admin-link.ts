// `relay admin-link`: a new one-time link to the admin page of the running relay.
import { RelayError } from '../../errors.js';
import { ask } from '../ask.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import { ADMIN_OPTIONS, TARGET_SWITCHES, findTarget, signInNeeded } from '../target.js';

export const adminLinkCommand: Command = {
  name: 'admin-link',
  summary: 'prints a one-time link to the admin page',
  about: [
    'The link signs in once, within 30 minutes; a link that was printed before is worth nothing any more. Make a passkey there, and no link is needed again.',
    'Who may read the data directory may run it: the relay leaves a token there that only its own user can read. It is meant for this machine; from another one, forward the admin port first: ssh -L 9090:localhost:9090.',
  ],
  operand: null,
  options: ADMIN_OPTIONS,
  switches: [...TARGET_SWITCHES, JSON_SWITCH],
  examples: [
    { line: 'relay admin-link', does: 'open what it prints in a browser' },
    { line: 'relay admin-link --json', does: 'the link, and for how long it is good' },
  ],
  exits: ['the link was printed', 'nobody answers, or the token is not the one of this relay'],
  run: async (given, io) => {
    const { baseUrl, timeoutMs, token } = await findTarget('admin', given, io);
    const { status, body } = await ask({ url: `${baseUrl}/admin/api/link`, method: 'POST', timeoutMs, token, hint: 'Is the relay running, with its admin listener on?' });
    if (status === 401) throw signInNeeded();
    if (status !== 200 || body === null) throw new RelayError('relay_unreachable', `${baseUrl} answered ${status} and is no admin listener of this relay`);
    io.print(given.switches.has('json') ? JSON.stringify(body) : String(body['url']));
    return EXIT_OK;
  },
};
