// Says what this device is called: when it is named, and again when a device comes in that may find the older words forgotten by the relay.
import { deviceOf, mayWrite } from '../../protocol/roster.js';
import type { Roster } from '../../protocol/roster.js';
import { toHex } from '../../protocol/hex.js';
import { ClientError } from '../client-error.js';
import { ENTRY_TYPE_DEVICE_NAME } from '../crypto/entry-header.js';
import type { Sealing } from '../sync/sealing.js';
import { BatchWrite } from '../sync/writes.js';
import { checkedName, encodeName } from './device-names.js';
import type { SpaceContext } from './space-context.js';

export class OwnName {
  readonly #context: SpaceContext;
  readonly #sealing: Sealing;
  #members: ReadonlySet<string>;

  constructor(context: SpaceContext, sealing: Sealing) {
    this.#context = context;
    this.#sealing = sealing;
    this.#members = membersOf(context.roster.known);
    context.events.on('roster', (roster) => this.#rosterChanged(roster));
  }

  /** Throws `bad_option` and `read_only`. The same name is not said twice. */
  say(text: string): void {
    const { names, device, events } = this.#context;
    const name = checkedName(text);
    if (!this.#mayWrite()) throw new ClientError('read_only', 'a device that may only read cannot tell its name');
    if (!names.note(device.key, name)) return;
    this.#tell(name);
    events.emit('devices', undefined);
  }

  #rosterChanged(roster: Roster): void {
    const { names, device } = this.#context;
    const before = this.#members;
    this.#members = membersOf(roster);
    names.keep(roster);
    const name = names.of(device.key);
    if (name !== null && this.#mayWrite() && [...this.#members].some((key) => !before.has(key))) this.#tell(name);
  }

  #tell(name: string): void {
    const item = encodeName(name);
    this.#sealing.enqueue({ type: ENTRY_TYPE_DEVICE_NAME, items: [item], bytes: item.length, write: new BatchWrite() });
  }

  #mayWrite(): boolean {
    const { roster, device } = this.#context;
    return roster.known !== undefined && mayWrite(deviceOf(roster.known, device.key));
  }
}

function membersOf(roster: Roster | undefined): ReadonlySet<string> {
  return new Set(roster?.devices.map(({ key }) => toHex(key)));
}
