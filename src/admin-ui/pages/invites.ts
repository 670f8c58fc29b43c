// Invite tokens: who has one may found a space where not everybody may. A token is shown once, when it is made.
import { del, getIfThere, post } from '../api.js';
import { button, h, replace } from '../dom.js';
import { UNKNOWN, count, moment } from '../format.js';
import type { Invite } from '../model.js';
import type { PageEntry } from '../page.js';
import { empty, heading, note, table, trouble, type Column } from '../parts.js';

const DAY_MS = 24 * 60 * 60 * 1000;

export const invitesPage: PageEntry = {
  name: 'invites',
  title: 'Invites',
  show: async ({ place, signal }) => {
    const body = h('div');
    const said = h('div', { role: 'status' });
    replace(place, heading('Invites', 'A token lets somebody found a space here. It is shown once, when it is made; the relay keeps no more of it than it needs to know it again.'), said, body);
    const show = async (): Promise<void> => {
      try {
        const answer = await getIfThere<{ tokens: readonly Invite[] }>('tokens', signal);
        if (answer === null) replace(body, empty('No invites here', 'This relay does not ask who founds a space.'));
        else replace(body, newInvite(said, show), answer.tokens.length === 0 ? empty('No invites yet', 'Those you make stand here until they expire or are revoked.') : table('Invite tokens', columns(said, show), answer.tokens));
      } catch (error) {
        if (!signal.aborted) replace(body, trouble(error));
      }
    };
    await show();
  },
};

function columns(said: HTMLElement, show: () => Promise<void>): readonly Column<Invite>[] {
  const revoke = async (row: Invite): Promise<void> => {
    await del(`tokens/${encodeURIComponent(row.id)}`).then(() => replace(said, note('plain', `${nameOf(row)} was revoked.`)), (error: unknown) => replace(said, trouble(error)));
    await show();
  };
  return [
    { title: 'Invite', cell: nameOf },
    { title: 'Used', isFigure: true, cell: (row) => `${count(row.used)} of ${count(row.usesMax)}` },
    { title: 'Tenant', cell: ({ tenant }) => tenant ?? UNKNOWN },
    { title: 'Made', cell: (row) => `${moment(row.createdAtMs)} UTC` },
    { title: 'Expires', cell: (row) => (row.expiresAtMs === null ? 'never' : `${moment(row.expiresAtMs)} UTC`) },
    { title: 'Revoke', cell: (row) => button('Revoke', () => void revoke(row), { 'aria-label': `Revoke ${nameOf(row)}` }) },
  ];
}

function nameOf({ label, id }: Invite): string {
  return label === '' ? id : label;
}

function newInvite(said: HTMLElement, show: () => Promise<void>): HTMLElement {
  const label = h('input', { id: 'invite-label', maxlength: '60', autocomplete: 'off' });
  const tenant = h('input', { id: 'invite-tenant', maxlength: '128', autocomplete: 'off', placeholder: 'nobody' });
  const uses = h('input', { id: 'invite-uses', type: 'number', min: '1', max: '1000', value: '1', required: true });
  const days = h('input', { id: 'invite-days', type: 'number', min: '1', max: '3650', placeholder: 'never' });
  const field = (input: HTMLInputElement, text: string): HTMLElement => h('div', {}, h('label', { for: input.id }, text), input);
  const form = h('form', { class: 'fields-in-line' }, field(label, 'For whom'), field(tenant, 'Tenant'), field(uses, 'Spaces'), field(days, 'Days'), h('button', { type: 'submit', class: 'primary' }, 'Make an invite'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const lifetimeMs = days.value === '' ? null : Number(days.value) * DAY_MS;
    post<{ token: string }>('tokens', { label: label.value.trim(), tenant: tenant.value.trim() === '' ? null : tenant.value.trim(), uses: Number(uses.value), lifetimeMs }).then(
      ({ token }) => {
        replace(said, note('good', 'Copy the token now, it is not shown again: ', h('code', { class: 'token' }, token)));
        void show();
      },
      (error: unknown) => replace(said, trouble(error)),
    );
  });
  return form;
}
