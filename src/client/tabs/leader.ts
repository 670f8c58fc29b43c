// The tab that holds storage and connection: takes the changes of the others, and tells them what the document takes and how it stands.
import { ClientError } from '../client-error.js';
import type { DocumentPort, KeptDocument } from '../documents/kept-document.js';
import type { EphemeralMessage } from '../live/ephemeral.js';
import { toldError } from './tab-channel.js';
import type { Report, TabMessage } from './tab-channel.js';

export interface LeaderParts {
  readonly kept: KeptDocument;
  readonly port: DocumentPort;
  /** The id of this tab. */
  readonly term: string;
  readonly post: (message: TabMessage) => void;
  readonly heard: (message: EphemeralMessage) => void;
  readonly listening: () => void;
  /** The report changed. */
  readonly reported: (report: Report) => void;
  readonly failed: (cause: ClientError) => void;
}

export class Leader {
  readonly #parts: LeaderParts;
  readonly #ends: (() => void)[] = [];
  #report: Report = { status: 'offline', error: null, unsynced: false, synced: false };
  /** Whether everything was read since the connection came. */
  #caughtUp = false;

  constructor(parts: LeaderParts) {
    this.#parts = parts;
    const { kept, post, term, heard, listening, failed } = parts;
    post({ kind: 'leading', term });
    this.#ends.push(
      kept.on('status', () => this.#statusChanged()),
      kept.on('progress', () => this.judge()),
      kept.on('error', (error) => {
        failed(error);
        post({ kind: 'error', error: toldError(error) });
      }),
      kept.ephemeral.subscribe((message) => {
        heard(message);
        post({ kind: 'heard', device: message.device, payload: message.payload, time: message.time });
      }),
      kept.ephemeral.onListening(() => {
        listening();
        post({ kind: 'listening' });
      }),
    );
    this.#statusChanged();
  }

  get kept(): KeptDocument {
    return this.#parts.kept;
  }

  get report(): Report {
    return this.#report;
  }

  take(message: TabMessage): void {
    const { kept, port, term, post } = this.#parts;
    if (message.kind === 'hello') this.#stored(() => post({ kind: 'state', term, to: message.from, ask: message.ask, state: port.state(), report: this.#report }));
    else if (message.kind === 'change' && message.term === term) this.#changeOf(message.from, message.number, message.change);
    // Its tab does not know who leads.
    else if (message.kind === 'change') post({ kind: 'leading', term });
    else if (message.kind === 'sync' && message.term === term) kept.whenSynced().then(() => this.#stored(() => post({ kind: 'synced', term, to: message.from, number: message.number })), () => undefined);
    else if (message.kind === 'say') kept.ephemeral.send(message.payload);
    else if (message.kind === 'wish') this.wish(message.online);
  }

  wish(online: boolean): void {
    if (online) this.kept.goOnline();
    else this.kept.goOffline();
  }

  /** A change of this tab. */
  change(change: Uint8Array): void {
    this.kept.change(change);
    this.news(change);
    this.judge();
  }

  /** The document took a change. */
  news(change: Uint8Array): void {
    this.#stored(() => this.#parts.post({ kind: 'news', term: this.#parts.term, change }));
  }

  /** Tells how things stand when it changed. */
  judge(): void {
    const { kept, term, post, reported } = this.#parts;
    const { status, error } = kept.status;
    const unsynced = kept.hasUnsyncedChanges;
    const report = { status, error: error === null ? null : toldError(error), unsynced, synced: this.#caughtUp && status === 'online' && !unsynced };
    if (JSON.stringify(report) === JSON.stringify(this.#report)) return;
    this.#report = report;
    post({ kind: 'report', term, report });
    reported(report);
  }

  /** Takes nothing more from the others; who leads next gets it. */
  end(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  // What the others know and the storage does not would be in their documents and never be pushed when this tab crashes.
  #stored(tell: () => void): void {
    this.kept.stored().then(tell, tell);
  }

  #changeOf(tab: string, number: number, change: Uint8Array): void {
    const { kept, port, term, post, failed } = this.#parts;
    try {
      port.apply(change);
    } catch (cause) {
      failed(new ClientError('change_rejected', 'what another tab sent is no change of this document', { cause }));
      return;
    }
    const stored = kept.changeOfTab(tab, number, change);
    this.judge();
    // A failure was told by the journal; the tab keeps the change until a later one is stored.
    stored.then(() => post({ kind: 'kept', term, to: tab, number }), () => undefined);
  }

  #statusChanged(): void {
    const { kept } = this.#parts;
    this.#caughtUp = false;
    this.judge();
    if (kept.status.status !== 'online') return;
    const caughtUp = (): void => {
      this.#caughtUp = kept.status.status === 'online';
      this.judge();
    };
    kept.whenSynced().then(caughtUp, () => undefined);
  }
}
