// Asks before a space is erased: who does it types the pseudonym, so that no click alone can do it.
import { ApiError } from './api.js';
import { button, h, replace } from './dom.js';

/** What is erased, in words. */
export interface ErasureWords {
  readonly title: string;
  readonly text: string;
}

export const ERASE_SPACE: ErasureWords = {
  title: 'Erase this space',
  text: 'Its log, snapshots, blobs and roster are overwritten on this disk, and its devices are told that the operator did it. What the devices hold stays with them. Nobody can undo it.',
};
export const ERASE_FOREIGN_TENANT: ErasureWords = {
  title: 'Erase this tenant',
  text: 'All it keeps is overwritten on this disk, and for 180 days nothing is taken for its token, so that devices do not bring it back; that of peers without a token begins anew at once. What devices hold stays with them. Nobody can undo it.',
};

/** Opens the dialog; `erase` runs once the pseudonym was typed and confirmed. */
export function askForErasure(pseudonym: string, { title, text }: ErasureWords, erase: () => Promise<void>): void {
  const input = h('input', { id: 'erase-confirm', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', required: true });
  const said = h('p', { role: 'alert', class: 'said' });
  const confirm = h('button', { type: 'submit', class: 'danger', disabled: true }, 'Erase for good');
  const cancel = button('Cancel', () => dialog.close());
  const form = h(
    'form',
    {},
    h('h2', { id: 'erase-title' }, title),
    h('p', {}, text),
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
