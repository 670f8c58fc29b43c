/**
 * Eidetica: keeps trees of entries in sync with peers, in the background.
 *
 * ```ts
 * import { EideticaSync, httpAddress } from 'sealrelay/eidetica';
 * const sync = await EideticaSync.open({ backend, seed });
 * const { publicKey } = await sync.connectToPeer(httpAddress('127.0.0.1:8787'));
 * await sync.addTreeSync(publicKey, tree);
 * sync.hooks.run({ tree, id });   // after every commit
 * ```
 */
export { ClientError } from '../client-error.js';
export { IndexedDbDeviceStore } from '../store/indexeddb-store.js';
export { MemoryJournal } from '../store/journal.js';
export type { Journal } from '../store/journal.js';
export type { PeerState, PendingSync, SyncEvents } from './background-sync.js';
export { CommitHooks } from './commit-hooks.js';
export type { Commit, CommitHook } from './commit-hooks.js';
export { EideticaSync } from './eidetica-sync.js';
export type { EideticaSyncOptions, SyncStatistics } from './eidetica-sync.js';
export { canonicalBytes, dialectOf, entryId, isSignedAsNamed, treeOf } from './entry.js';
export type { CidEntry, Dialect, Entry, KeyHint, TextEntry } from './entry.js';
export { MemoryEntryBackend } from './entry-backend.js';
export type { EntryBackend, StoredEntry } from './entry-backend.js';
export type { Acquaintance } from './handshake.js';
export { httpAddress, HttpTransport } from './http-transport.js';
export type { HttpTransportOptions } from './http-transport.js';
export type { Exchanged } from './relation-job.js';
export { openTrees } from './serve/access.js';
export type { AccessRule, Caller, TreeAccess } from './serve/access.js';
export { fetchHandler } from './serve/fetch-handler.js';
export type { FetchHandlerOptions } from './serve/fetch-handler.js';
export type { Origins } from './serve/http-answer.js';
export { Refusal } from './serve/refusal.js';
export type { Greeted, IncomingRequest, Served, ServingOptions, ServingStatistics, SyncHandler } from './serve/sync-handler.js';
export type { GivenOptions, SyncFlushOptions, SyncQueueOptions } from './sync-options.js';
export type { PeerInfo, PeerStatistics, SyncCursor, SyncHistoryEntry } from './sync-state.js';
export type { Prove, SyncListener, SyncServer, SyncTransport } from './transport.js';
export { PeerRefusal } from './wire.js';
export type { Address, SyncRequest } from './wire.js';
