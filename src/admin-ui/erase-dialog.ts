// Asks before a space is erased: who does it types the pseudonym, so that no click alone can do it.
import { ApiError } from './api.js';
import { button, h, replace } from './dom.js';

/** Opens the dialog; `erase` runs once the pseudonym was typed and confirmed. */
export function askForErasure(pseudonym: string, erase: () => Promise<void>): void {
  const input = h('input', { id: 'erase-confirm', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', required: true });
  const said = h('p', { role: 'alert', class: 'said' });
  const confirm = h('button', { type: 'submit', class: 'danger', disabled: true }, 'Erase for good');
  const cancel = button('Cancel', () => dialog.close());
  const form = h(
    'form',
    {},
    h('h2', { id: 'erase-title' }, 'Erase this space'),
    h('p', {}, 'Its log, snapshots, blobs and roster are overwritten on this disk, and its devices are told that the operator did it. What the devices hold stays with them. Nobody can undo it.'),
    h('label', { for: 'erase-confirm' }, 'Type ', h('code', {}, pseudonym), ' to confirm'),
    input,
    said,
    h('div', { class: 'actions' }, cancel, confirm),
  );
  const dialog = h('dialog', { 'aria-labelledby': 'erase-title' }, form);
  input.addEventListener('input', () => (confirm.disabled = input.value.trim() !== pseudonym));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (confirm.disabled) return;
    confirm.disabled = true;
    replace(said, 'Erasing; this ends when everything is overwritten.');
    erase().then(
      () => dialog.close(),
      (error: unknown) => {
        confirm.disabled = false;
        replace(said, error instanceof ApiError ? error.message : 'The relay did not answer.');
      },
    );
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
}
