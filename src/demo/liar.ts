// A relay that lies to one device, once: what it would do to the messages is done to them on their way into the device.
import { decodeRelayFrame, encodeRelayFrame } from '../protocol/relay-frame-codec.js';
import type { EntriesFrame, EntryItem } from '../protocol/relay-frame.js';

/** `omit`: leaves an entry out; `replay`: shows an old one again; `alter`: changes a byte of one. */
export type Lie = 'omit' | 'replay' | 'alter';

export class Liar {
  #lie: Lie | null = null;
  #last: Uint8Array | null = null;

  begin(lie: Lie): void {
    this.#lie = lie;
  }

  end(): void {
    this.#lie = null;
  }

  /** What the device gets instead of a message of the relay. */
  take(message: Uint8Array): readonly Uint8Array[] {
    const frame = entriesOf(message);
    if (frame === null) return [message];
    const before = this.#last;
    this.#last = message;
    const lie = this.#lie;
    this.#lie = null;
    if (lie === 'omit') return [];
    if (lie === 'replay') return [message, before ?? message];
    if (lie === 'alter') return [encodeRelayFrame({ ...frame, items: frame.items.map(altered) })];
    return [message];
  }
}

/** Entries that others wrote; null for anything else. */
function entriesOf(message: Uint8Array): EntriesFrame | null {
  try {
    const frame = decodeRelayFrame(message);
    return frame.type === 'Entries' && frame.items.some(({ kind }) => kind === 'sealed') ? frame : null;
  } catch {
    return null;
  }
}

function altered(item: EntryItem): EntryItem {
  if (item.kind !== 'sealed') return item;
  const sealed = item.sealed.slice();
  const at = sealed.length >> 1;
  sealed[at] = (sealed[at] ?? 0) ^ 1;
  return { ...item, sealed };
}
