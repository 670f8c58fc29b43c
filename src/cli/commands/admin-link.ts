// `relay admin-link`: a new one-time link to the admin page of the running relay.
import { RelayError } from '../../errors.js';
import { ask } from '../ask.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import { TARGET_SWITCHES, findTarget } from '../target.js';

export const adminLinkCommand: Command = {
  name: 'admin-link',
  summary: 'prints a one-time link to the admin page',
  about: [
    'The link signs in once, within 30 minutes; a link that was printed before is worth nothing any more. Make a passkey there, and no link is needed again.',
    'Who may read the data directory may run it: the relay leaves a token there that only its own user can read. It is meant for this machine; from another one, forward the admin port first: ssh -L 9090:localhost:9090.',
  ],
  operand: null,
  options: ['admin.host', 'admin.port', 'data-dir'],
  switches: [...TARGET_SWITCHES, JSON_SWITCH],
  examples: [
    { line: 'relay admin-link', does: 'open what it prints in a browser' },
    { line: 'relay admin-link --json', does: 'the link, and for how long it is good' },
  ],
  exits: ['the link was printed', 'nobody answers, or the token is not the one of this relay'],
  run: async (given, io) => {
    const { baseUrl, timeoutMs, token } = await findTarget('admin', given, io);
    const { status, body } = await ask({ url: `${baseUrl}/admin/api/link`, method: 'POST', timeoutMs, token, hint: 'Is the relay running, with its admin listener on?' });
    if (status === 401) {
      throw new RelayError('sign_in_required', 'the relay does not take the token of this machine', {
        hint: 'Name its data directory with --data-dir and run it as the user of the relay, or set RELAY_ADMIN_TOKEN_FILE.',
      });
    }
    if (status !== 200 || body === null) throw new RelayError('relay_unreachable', `${baseUrl} answered ${status} and is no admin listener of this relay`);
    io.print(given.switches.has('json') ? JSON.stringify(body) : String(body['url']));
    return EXIT_OK;
  },
};
