// `relay reload`: tells the running relay to read its configuration again.
import { RelayError } from '../../errors.js';
import { ask } from '../ask.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import { ADMIN_OPTIONS, TARGET_SWITCHES, findTarget, signInNeeded } from '../target.js';

export const reloadCommand: Command = {
  name: 'reload',
  summary: 'has the running relay read its configuration again',
  about: [
    'The relay reads its file and the files of its variables again, with the flags it was started with, applies what can change while it runs, and says what needs a restart. ' +
      'A wrong configuration changes nothing. SIGHUP does the same and logs the result.',
  ],
  operand: null,
  options: ADMIN_OPTIONS,
  switches: [...TARGET_SWITCHES, JSON_SWITCH],
  examples: [
    { line: 'relay reload', does: 'after the file was changed' },
    { line: 'relay reload --json', does: 'what was applied, and what needs a restart, as JSON' },
  ],
  exits: ['reloaded', 'the configuration is wrong, or nobody answers'],
  run: async (given, io) => {
    const { baseUrl, timeoutMs, token } = await findTarget('admin', given, io);
    const { status, body } = await ask({ url: `${baseUrl}/admin/api/reload`, method: 'POST', timeoutMs, token, hint: 'Is the relay running, with its admin listener on?' });
    if (status === 401) throw signInNeeded();
    if (status !== 200 || body === null) {
      throw new RelayError('reload_refused', `the relay did not reload: ${String(body?.['detail'] ?? `HTTP status ${status}`).replace(/\.$/, '')}`);
    }
    if (given.switches.has('json')) io.print(JSON.stringify(body));
    else io.print([`applied: ${names(body['applied'])}`, `needs a restart: ${names(body['needRestart'])}`].join('\n'));
    return EXIT_OK;
  },
};

function names(value: unknown): string {
  return Array.isArray(value) && value.length > 0 ? value.join(', ') : 'nothing';
}
