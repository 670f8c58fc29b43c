// Opens a document where it belongs: in the storage that was given, or in the browser's, which the tabs of the origin share.
import { ClientError } from '../client-error.js';
import { openKeptDocument } from '../documents/kept-document.js';
import type { KeptDocumentOptions } from '../documents/kept-document.js';
import type { OpenDocument } from '../documents/open-document.js';
import { environmentWith } from '../environment.js';
import { ENROLL_TIMEOUT_MS } from '../space/open.js';
import type { DeviceStore } from '../store/device-store.js';
import { IndexedDbDeviceStore } from '../store/indexeddb-store.js';
import { tabGround } from './tab-channel.js';
import { TabDocument } from './tab-document.js';

export interface OpenInTabsOptions extends KeptDocumentOptions {
  /** Ends the waiting for a relay that is away: a device that is new waits for it as long as it takes. */
  readonly signal: AbortSignal;
}

/** `storage` undefined: the browser's of that name, where there is one, else the memory. Null: the memory. A relay that does not answer is told as a failure, once, and waited for. */
export async function openInTabs(storage: DeviceStore | null | undefined, name: string, options: OpenInTabsOptions): Promise<OpenDocument> {
  const away = (): void => options.failed(new ClientError('relay_unreachable', 'the relay does not answer', { temporary: true, hint: 'It is tried on; what is written meanwhile is kept.' }));
  const patience = environmentWith(options.environment).after(ENROLL_TIMEOUT_MS, away);
  return opened(storage, name, options).finally(() => patience.cancel());
}

async function opened(storage: DeviceStore | null | undefined, name: string, options: OpenInTabsOptions): Promise<OpenDocument> {
  const given = storage ?? undefined;
  if (storage !== undefined || globalThis.indexedDB === undefined) return openKeptDocument({ ...options, ...(given === undefined ? {} : { storage: given }) });
  const ground = tabGround();
  if (ground === undefined) return openKeptDocument({ ...options, storage: await IndexedDbDeviceStore.open(name) });
  return TabDocument.open({ ...options, ground, name, openStorage: () => IndexedDbDeviceStore.open(name) });
}
