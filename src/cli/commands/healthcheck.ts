// `relay healthcheck`: for the probes of containers and service managers.
import { ask } from '../ask.js';
import { EXIT_FAILED, EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import { TARGET_SWITCHES, findTarget } from '../target.js';

export const healthcheckCommand: Command = {
  name: 'healthcheck',
  summary: 'asks the running relay whether it takes work',
  about: [
    'Asks /health/ready of the relay on this machine, at the address that flags, environment and file say. For HEALTHCHECK of a container image, exec probes and service managers.',
  ],
  operand: null,
  options: ['host', 'port', 'insecure', 'behind-proxy', 'proxy-protocol', 'tls.cert', 'tls.key', 'acme.domains'],
  switches: [...TARGET_SWITCHES, JSON_SWITCH],
  examples: [
    { line: 'relay healthcheck', does: 'exit code 0 when it does; one line in words' },
    { line: 'relay healthcheck --timeout 2s --json', does: 'waits two seconds at most; the answer as JSON' },
  ],
  exits: ['the relay takes work', 'it does not, or nobody answers'],
  run: async (given, io) => {
    const { baseUrl, timeoutMs, isOwn, asProxy } = await findTarget('public', given, io);
    const { status, body } = await ask({ url: `${baseUrl}/health/ready`, method: 'GET', timeoutMs, trustsAny: isOwn, asProxy, hint: 'Is the relay running, and on this port?' });
    const isReady = status === 200 && body?.['ready'] === true;
    if (given.switches.has('json')) io.print(JSON.stringify({ ready: isReady, status, reason: body?.['reason'] ?? null, detail: body?.['detail'] ?? null }));
    else io.print(isReady ? 'ready' : `not ready: ${String(body?.['detail'] ?? `HTTP status ${status}, which no relay answers here`)}`);
    return isReady ? EXIT_OK : EXIT_FAILED;
  },
};
