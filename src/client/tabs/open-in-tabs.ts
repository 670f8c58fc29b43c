// Opens a document where it belongs: in the storage that was given, or in the browser's, which the tabs of the origin share.
import { openKeptDocument } from '../documents/kept-document.js';
import type { KeptDocumentOptions } from '../documents/kept-document.js';
import type { OpenDocument } from '../documents/open-document.js';
import { storageNameOf } from '../documents/storage-name.js';
import type { DeviceStore } from '../store/device-store.js';
import { IndexedDbDeviceStore } from '../store/indexeddb-store.js';
import { tabGround } from './tab-channel.js';
import { TabDocument } from './tab-document.js';

/** `storage` undefined: the browser's, where there is one, else the memory. Null: the memory. `link` names the browser's storage. */
export async function openInTabs(storage: DeviceStore | null | undefined, link: string, options: KeptDocumentOptions): Promise<OpenDocument> {
  const given = storage ?? undefined;
  if (storage !== undefined || globalThis.indexedDB === undefined) return openKeptDocument({ ...options, ...(given === undefined ? {} : { storage: given }) });
  const name = storageNameOf(link);
  const ground = tabGround();
  if (ground === undefined) return openKeptDocument({ ...options, storage: await IndexedDbDeviceStore.open(name) });
  return TabDocument.open({ ...options, ground, name, openStorage: () => IndexedDbDeviceStore.open(name) });
}
