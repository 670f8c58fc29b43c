// The text of `relay --help`.
import { renderHelp } from '../config/render.js';

const HEAD = `Usage: relay [serve] [options]
       relay log-reset [--data-dir <path>]
       relay verify-blind [--canaries <n>] [--json <file>|-] [--quick]
       relay --help | --version

Starts a blind relay: it orders sealed entries, makes them durable, pushes them
live to the other devices of the space, and cannot read them.

log-reset: run it once, with the relay stopped, after its data directory came
back from a backup. Without it the devices report that the relay rolled back.

verify-blind: starts a relay of this version on a temporary directory, sends
random canaries through real clients in every field they have, and searches the
wire, the disk, the logs, every answer and the memory for them, in every common
encoding. Exit code 0: nothing was found. --quick leaves out the image of the
disk and the memory.

Examples:
  relay
  relay --port 9000 --data-dir /var/lib/sealrelay
  RELAY_LOG_LEVEL=debug relay --admin.port off

Every option --a.b-c is also the environment variable RELAY_A_B_C; PORT, HOST
and LOG_LEVEL are honoured too. A flag wins over the environment.
`;

export function helpText(): string {
  return `${HEAD}\n${renderHelp()}\n\nExit codes: 0 stopped in order, 1 could not start or run, 2 wrong usage.`;
}
