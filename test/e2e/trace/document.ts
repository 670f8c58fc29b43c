// The document of the example: one text that takes the trace, with the canaries behind it, and a map of ticks.
import { createHash } from 'node:crypto';
import * as Y from 'yjs';
import { CodePointIndex } from './code-points.ts';
import type { Patch } from './trace-file.ts';

const TEXT = 'text';
const TICKS = 'ticks';
const NAMES = 'names';

/** A Yjs document that types. */
export class TraceDocument {
  readonly doc = new Y.Doc();
  readonly #text = this.doc.getText(TEXT);
  #typed = new CodePointIndex('');
  #typedUnits = 0;

  /** Puts the start content in as one edit. */
  begin(startContent: string, names: readonly string[]): void {
    this.doc.transact(() => {
      this.#text.insert(0, startContent);
      names.forEach((name, at) => this.doc.getMap(NAMES).set(`name ${at}`, name));
    });
    this.#typed = new CodePointIndex(startContent);
    this.#typedUnits = startContent.length;
  }

  /** One patch of the trace is one transaction. */
  type([position, deleted, inserted]: Patch): void {
    const from = this.#typed.utf16(position);
    const to = this.#typed.utf16(position + deleted);
    this.doc.transact(() => {
      if (to > from) this.#text.delete(from, to - from);
      if (inserted.length > 0) this.#text.insert(from, inserted);
    });
    this.#typed.replace(position, deleted, inserted);
    this.#typedUnits += inserted.length - (to - from);
  }

  /** Canaries stand behind the typed text, where no patch reaches. */
  addCanary(canary: string): void {
    this.#text.insert(this.#text.length, canary);
  }

  tick(number: number): void {
    this.doc.getMap(TICKS).set(String(number), true);
  }

  onTick(seen: (number: number) => void): void {
    const ticks = this.doc.getMap(TICKS);
    ticks.observe((event) => event.keysChanged.forEach((key) => seen(Number(key))));
  }

  /** The typed text without the canaries. */
  get typedText(): string {
    return this.#text.toString().slice(0, this.#typedUnits);
  }

  get length(): number {
    return this.#text.length;
  }

  get textHash(): string {
    return hashText(this.#text.toString());
  }
}

export const hashText = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** Combines the updates of one batch into one. */
export const mergeUpdates = (updates: readonly Uint8Array[]): readonly Uint8Array[] =>
  updates.length < 2 ? updates : [Y.mergeUpdates([...updates])];

export const applyUpdate = (document: TraceDocument, update: Uint8Array): void =>
  Y.applyUpdate(document.doc, update, 'remote');

export const stateOf = (document: TraceDocument): Uint8Array => Y.encodeStateAsUpdate(document.doc);
