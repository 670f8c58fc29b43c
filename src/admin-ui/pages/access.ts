// Who can sign in: passkeys, and the end of this session.
import { del, get } from '../api.js';
import { button, h, replace } from '../dom.js';
import { ago, moment } from '../format.js';
import type { PasskeyRow } from '../model.js';
import type { PageEntry } from '../page.js';
import { canUsePasskeys, explain, makePasskey } from '../passkeys.js';
import { empty, heading, link, note, table, trouble, type Column } from '../parts.js';

export const accessPage: PageEntry = {
  name: 'access',
  title: 'Access',
  show: async ({ place, signal, session }) => {
    const body = h('div');
    const said = h('p', { role: 'status', class: 'said' });
    const signOut = button('Sign out', () => void del('session').finally(() => location.reload()));
    replace(
      place,
      heading('Access', `You signed in with ${session.way === 'link' ? 'a one-time link' : `a ${session.way ?? 'token'}`}${session.endsAtMs === null ? '' : `; this session ends at ${moment(session.endsAtMs)} UTC at the latest`}.`, signOut),
      h('h2', {}, 'Passkeys'),
      body,
      registration(session.passkeysPossible, said, () => void show()),
      said,
      h('h2', {}, 'For programs'),
      h('p', {}, 'The admin API takes a token: set ', h('code', {}, 'RELAY_ADMIN_TOKEN_FILE'), ' and send it as ', h('code', {}, 'Authorization: Bearer …'), '. Every route is described at ', link('/docs', '/docs'), '.'),
    );
    const show = async (): Promise<void> => {
      try {
        const { passkeys } = await get<{ passkeys: readonly PasskeyRow[] }>('passkeys', signal);
        replace(body, passkeys.length === 0 ? empty('No passkeys', 'A passkey signs you in with a touch, and no secret of it ever leaves your device.') : table('Passkeys', columns(said, show), passkeys));
      } catch (error) {
        if (!signal.aborted) replace(body, trouble(error));
      }
    };
    await show();
  },
};

function columns(said: HTMLElement, show: () => Promise<void>): readonly Column<PasskeyRow>[] {
  const remove = async (row: PasskeyRow): Promise<void> => {
    await del(`passkeys/${row.id}`).then(() => (said.textContent = `${row.label} was removed.`), (error: unknown) => (said.textContent = explain(error)));
    await show();
  };
  return [
    { title: 'Name', cell: (row) => row.label },
    { title: 'For', cell: (row) => row.host },
    { title: 'Made', cell: (row) => `${moment(row.createdAtMs)} UTC` },
    { title: 'Last used', cell: (row) => (row.usedAtMs === null ? 'never' : ago(row.usedAtMs)) },
    { title: 'Remove', cell: (row) => button('Remove', () => void remove(row), { 'aria-label': `Remove ${row.label}` }) },
  ];
}

function registration(isPossible: boolean, said: HTMLElement, made: () => void): HTMLElement {
  if (!canUsePasskeys()) return note('plain', 'This browser makes no passkeys.');
  if (!isPossible) return note('plain', 'Browsers make no passkeys for an IP address. Open this page as ', h('code', {}, `http://localhost:${location.port}/admin`), '.');
  const input = h('input', { id: 'passkey-label', maxlength: '60', autocomplete: 'off', value: 'this device' });
  const form = h('form', { class: 'line' }, h('label', { for: 'passkey-label' }, 'Name of the passkey'), input, h('button', { type: 'submit', class: 'primary' }, 'Make a passkey'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    said.textContent = 'Waiting for the authenticator.';
    makePasskey(input.value).then(
      () => {
        said.textContent = 'The passkey was made; it signs you in from now on.';
        made();
      },
      (error: unknown) => (said.textContent = explain(error)),
    );
  });
  return form;
}
