// The page before one is signed in. A one-time link in the address is used at once and taken out of it.
import { post } from './api.js';
import { button, h, replace } from './dom.js';
import type { SessionState } from './model.js';
import { canUsePasskeys, explain, usePasskey } from './passkeys.js';
import { note } from './parts.js';

const LINK = /^#link=([\w-]{1,200})$/;

/** Uses the link in the address, if there is one; null when there is none. */
export async function useLink(): Promise<SessionState | null> {
  const code = LINK.exec(location.hash)?.[1];
  if (code === undefined) return null;
  history.replaceState(null, '', '/admin');
  return await post<SessionState>('sign-in/link', { code });
}

/** Shows the ways in; resolves once one of them worked. */
export function showSignIn(place: HTMLElement, session: SessionState, why: string | null): Promise<SessionState> {
  return new Promise((resolve) => {
    const said = h('p', { role: 'alert', class: 'said' }, why);
    const attempt = (way: () => Promise<SessionState>): void => {
      replace(said);
      way().then(resolve, (error: unknown) => replace(said, explain(error)));
    };
    const canUse = session.passkeysPossible && session.hasPasskeys && canUsePasskeys();
    const input = h('input', { id: 'token', type: 'password', autocomplete: 'current-password', required: true });
    const form = h('form', { class: 'stack' }, h('label', { for: 'token' }, 'Token'), input, h('button', { type: 'submit', class: canUse ? null : 'primary' }, 'Sign in with the token'));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      attempt(() => post<SessionState>('sign-in/token', { token: input.value.trim() }));
    });
    replace(
      place,
      h(
        'main',
        { class: 'alone', id: 'main' },
        h('p', { class: 'mark' }, 'sealrelay'),
        h('h1', { tabindex: '-1' }, 'Sign in'),
        canUse ? button('Sign in with a passkey', () => attempt(usePasskey), { class: 'primary' }) : null,
        said,
        h('h2', {}, 'With a link'),
        h('p', {}, 'On the machine of the relay, run ', h('code', {}, 'relay admin-link'), ' and open what it prints.'),
        h('h2', {}, 'With a token'),
        form,
        session.passkeysPossible ? null : note('plain', 'For passkeys open this page under a name, such as ', h('code', {}, `http://localhost:${location.port}/admin`), '.'),
      ),
    );
  });
}
