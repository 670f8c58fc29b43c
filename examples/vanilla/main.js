// A shopping list: every change is one entry, and the list is what the entries make of it, in whatever order and however often they come.
import { guardUnsynced } from 'sealrelay/client';
import { openSpaceInTabs } from 'sealrelay/client/tabs';

const NAME = 'shopping-list';
const element = (id) => document.getElementById(id);

// The list is the app's own, and all tabs of this origin keep it in one place; the SDK keeps the device, and hands on each entry until it was taken.
const items = new Map();
const takeStored = () => JSON.parse(localStorage.getItem(NAME) ?? '[]').forEach(take);

/** Takes a change; of two for one item the later wins, so the same one twice does no harm. */
function take(item) {
  const known = items.get(item.id);
  if (known !== undefined && known.time >= item.time) return;
  items.set(item.id, item);
  localStorage.setItem(NAME, JSON.stringify([...items.values()]));
  show();
}

/** One device and one connection for all tabs of this origin: in the space of the link in the address bar, or in a new one. */
async function openList() {
  for (let link = decodeURIComponent(location.hash.slice(1)); ; link = '') {
    try {
      return await openSpaceInTabs({ name: NAME, create: true, ...(link === '' ? { relay: await askForRelay() } : { link }) });
    } catch ({ message, hint }) {
      element('problem').textContent = `${message}. ${hint ?? ''}`;
    }
  }
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

const space = await openList();
element('problem').textContent = '';
location.hash = encodeURIComponent(space.link);
space.subscribe((entry) => entry.items.forEach((bytes) => take(JSON.parse(new TextDecoder().decode(bytes)))));
// What another tab took before this one listened.
takeStored();
guardUnsynced(space);

/** Shows the change at once, and seals and sends it. */
function change(item) {
  const changed = { ...item, time: Date.now() };
  take(changed);
  space.push(new TextEncoder().encode(JSON.stringify(changed)));
}

function show() {
  element('items').replaceChildren(
    ...[...items.values()].map((item) => {
      const row = document.createElement('li');
      const label = document.createElement('label');
      const box = document.createElement('input');
      box.type = 'checkbox';
      box.checked = item.done;
      box.addEventListener('change', () => change({ ...item, done: box.checked }));
      label.append(box, ` ${item.text}`);
      row.append(label);
      return row;
    }),
  );
}

const showStatus = () => (element('status').textContent = `${space.status.status}, ${space.hasUnsyncedChanges ? 'something is only here so far' : 'all is on the relay’s disk'}`);
for (const name of ['status', 'progress']) space.on(name, showStatus);

element('add').addEventListener('submit', (event) => {
  event.preventDefault();
  change({ id: crypto.randomUUID(), text: new FormData(event.target).get('text'), done: false });
  event.target.reset();
});
element('list').hidden = false;
show();
showStatus();
