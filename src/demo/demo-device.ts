// One device of the demo: a document, a provider of sealrelay/yjs, and its line. It is what an app would have, but for the line.
import { Doc, UndoManager } from 'yjs';
import type { Array as YArray, Map as YMap, Text as YText } from 'yjs';
import { guardUnsynced } from '../client/index.js';
import type { Space } from '../client/index.js';
import { WebsocketProvider } from '../yjs/index.js';
import { Line, lineAlone, type Conditions, type LineWatcher } from './line.js';
import { Store } from './store.js';

export type DeviceName = 'laptop' | 'phone';
/** A line drawn with one colour: x and y by turns. */
export type Stroke = YMap<string | YArray<number>>;

/** What a device tells of itself while it is there. */
export interface Presence {
  readonly name: DeviceName;
  readonly pen: readonly [x: number, y: number] | null;
}

const ROOM = 'demo';
const KEY_CHARACTERS = 8;

export class DemoDevice {
  readonly name: DeviceName;
  readonly doc = new Doc();
  readonly note: YText = this.doc.getText('note');
  readonly strokes: YArray<Stroke> = this.doc.getArray('strokes');
  readonly undo = new UndoManager(this.strokes, { trackedOrigins: new Set([this]), captureTimeout: 0 });
  readonly line: Line;
  readonly space = new Store<Space | null>(null);
  #provider: WebsocketProvider | undefined;
  #link = '';
  #stopGuarding: () => void = () => undefined;

  constructor(name: DeviceName, conditions: () => Conditions, watcher: LineWatcher) {
    this.name = name;
    this.line = new Line(conditions, watcher);
  }

  async open(link: string): Promise<void> {
    this.#link = link;
    this.#provider = new WebsocketProvider(link, ROOM, this.doc, { storage: null, webSocket: this.line.webSocket, parts: [lineAlone] });
    // What ends a connection for good is shown where it happens, with what the space tells of it.
    this.#provider.on('connection-error', () => undefined);
    this.#stopGuarding = guardUnsynced(this.#provider);
    this.tell(null);
    this.space.set(await this.#provider.space);
  }

  /** Comes back as a new device, with the document it has. */
  async reopen(): Promise<void> {
    this.#stopGuarding();
    this.provider.destroy();
    this.space.set(null);
    await this.open(this.#link);
  }

  get provider(): WebsocketProvider {
    if (this.#provider === undefined) throw new Error('the device is not open');
    return this.#provider;
  }

  /** The first characters of its public key; empty while it is opened. */
  get key(): string {
    return this.space.getSnapshot()?.device.slice(0, KEY_CHARACTERS) ?? '';
  }

  /** Where the pen is, in the units of the drawing. */
  tell(pen: Presence['pen']): void {
    this.provider.awareness.setLocalState({ name: this.name, pen } satisfies Presence);
  }
}
