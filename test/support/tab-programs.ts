// The same small app over each binding, for tabs: words that are typed in any of them.

const YJS = `
import * as Y from 'yjs';
import { WebsocketProvider } from './src/yjs/index.ts';
const doc = new Y.Doc();
const words = doc.getArray('words');
let provider;
globalThis.page = {
  leads: false, errors: [],
  async open(link) {
    provider = new WebsocketProvider(link, 'notes', doc);
    provider.on('connection-error', ({ code, message }) => this.errors.push(code + ': ' + message));
    provider.space.then(() => { this.leads = true; });
    return '';
  },
  type: (name, count) => typed(name, count, (word) => words.push([word])),
  words: () => words.toArray(),
  settled: () => provider.synced && !provider.hasUnsyncedChanges,
};`;

const AUTOMERGE = `
import { Repo, initializeBase64Wasm } from '@automerge/automerge-repo/slim';
import { automergeWasmBase64 } from '@automerge/automerge/automerge.wasm.base64';
import { SealrelayNetworkAdapter } from './src/automerge/index.ts';
let handle, adapter, caughtUp = false;
globalThis.page = {
  leads: false, errors: [],
  async open(link, url) {
    await initializeBase64Wasm(automergeWasmBase64);
    adapter = new SealrelayNetworkAdapter({ link, onError: ({ code, message }) => this.errors.push(code + ': ' + message) });
    const repo = new Repo({ network: [adapter] });
    adapter.space.then(() => { this.leads = true; });
    await adapter.whenSynced();
    handle = url === '' ? repo.create({ words: [] }) : await repo.find(url);
    await adapter.whenSynced();
    caughtUp = true;
    return (globalThis.shared = handle.url);
  },
  type: (name, count) => typed(name, count, (word) => handle.change((doc) => { doc.words.push(word); })),
  words: () => [...handle.doc().words],
  settled: () => caughtUp && !adapter.hasUnsyncedChanges,
};`;

const SPACE = `
import { openSpaceInTabs } from './src/client/tabs/index.ts';
const KEY = 'words';
const known = new Map(JSON.parse(localStorage.getItem(KEY) ?? '[]'));
const encode = (value) => new TextEncoder().encode(JSON.stringify(value));
let space, caughtUp = false;
function take([id, word]) {
  known.set(id, word);
  localStorage.setItem(KEY, JSON.stringify([...known]));
}
globalThis.page = {
  leads: false, errors: [],
  async open(link) {
    space = await openSpaceInTabs({ link });
    space.subscribe(({ items }) => { for (const item of items) { take(JSON.parse(new TextDecoder().decode(item))); } });
    space.on('error', ({ code, message }) => this.errors.push(code + ': ' + message));
    space.whenLeading().then(() => { this.leads = true; });
    await space.whenSynced();
    caughtUp = true;
    return '';
  },
  type: (name, count) => typed(name, count, (word) => space.push(encode([crypto.randomUUID(), word]))),
  words: () => [...known.values()].toSorted(),
  settled: () => caughtUp && !space.hasUnsyncedChanges,
};`;

const TYPED = `
async function typed(name, count, type) {
  for (let at = 0; at < count; at += 1) {
    type(name + '-' + at);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}`;

/** By name. Each gives the test a `TabProgram`. */
export const TAB_PROGRAMS = { Yjs: YJS + TYPED, Automerge: AUTOMERGE + TYPED, 'a bare space': SPACE + TYPED } as const;
