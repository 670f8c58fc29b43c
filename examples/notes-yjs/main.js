// One note that several people edit at once. What is not about sealrelay is as with y-websocket.
import { createSpace, guardUnsynced } from 'sealrelay/client';
import { WebsocketProvider } from 'sealrelay/yjs';
import * as Y from 'yjs';

const element = (id) => document.getElementById(id);

/** A room below the link in the address bar, or of a new space. */
async function openRoom() {
  for (let link = decodeURIComponent(location.hash.slice(1)); ; link = '') {
    try {
      const provider = new WebsocketProvider(link === '' ? await newLink(await askForRelay()) : link, 'note', doc);
      element('problem').textContent = '';
      return provider;
    } catch ({ message, hint }) {
      element('problem').textContent = `${message}. ${hint ?? ''}`;
    }
  }
}

async function newLink(relay) {
  const space = await createSpace({ relay, offline: true });
  const { link } = space;
  await space.close();
  location.hash = encodeURIComponent(link);
  return link;
}

function askForRelay() {
  const form = element('start');
  form.hidden = false;
  return new Promise((resolve) => {
    const given = (event) => {
      event.preventDefault();
      form.hidden = true;
      resolve(new FormData(form).get('relay'));
    };
    form.addEventListener('submit', given, { once: true });
  });
}

const doc = new Y.Doc();
const text = doc.getText('note');
const provider = await openRoom();
guardUnsynced(provider);

const area = element('note');
let shown = '';

// What was typed is one deletion and one insertion where the texts begin to differ.
area.addEventListener('input', () => {
  const next = area.value;
  let start = 0;
  while (start < shown.length && start < next.length && shown[start] === next[start]) start += 1;
  let end = 0;
  while (end < shown.length - start && end < next.length - start && shown.at(-1 - end) === next.at(-1 - end)) end += 1;
  const before = shown.length;
  shown = next;
  doc.transact(() => {
    text.delete(start, before - start - end);
    text.insert(start, next.slice(start, next.length - end));
  }, area);
});

text.observe((_event, { origin }) => {
  if (origin === area) return;
  const fromEnd = area.value.length - area.selectionEnd;
  shown = area.value = text.toString();
  if (document.activeElement === area) area.setSelectionRange(shown.length - fromEnd, shown.length - fromEnd);
});

const showStatus = () => {
  const others = provider.awareness.getStates().size - 1;
  element('status').textContent = `${provider.wsconnected ? 'online' : 'offline'}, ${provider.hasUnsyncedChanges ? 'something is only here so far' : 'all is on the relay’s disk'}, ${others} others here`;
};
provider.on('status', showStatus);
provider.on('sync', showStatus);
provider.on('connection-error', ({ message, hint }) => (element('problem').textContent = `${message}. ${hint ?? ''}`));
provider.awareness.on('change', showStatus);
doc.on('update', showStatus);
element('page').hidden = false;
showStatus();
