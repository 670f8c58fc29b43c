// The admin page: signs in, then shows the page that the address names. The addresses are `#/name` and `#/name/pseudonym`.
import { get } from './api.js';
import { h, replace } from './dom.js';
import { Live } from './live.js';
import type { SessionState } from './model.js';
import type { PageEntry } from './page.js';
import { accessPage } from './pages/access.js';
import { blindnessPage } from './pages/blindness.js';
import { foreignPage } from './pages/foreign.js';
import { invitesPage } from './pages/invites.js';
import { overviewPage } from './pages/overview.js';
import { auditPage, logsPage } from './pages/records.js';
import { configPage, limitsPage, regionsPage, retentionPage } from './pages/settings.js';
import { slowPage } from './pages/slow.js';
import { spacesPage } from './pages/spaces.js';
import { showSignIn, useLink } from './sign-in.js';

const PAGES: readonly PageEntry[] = [overviewPage, spacesPage, foreignPage, slowPage, blindnessPage, limitsPage, invitesPage, retentionPage, regionsPage, configPage, logsPage, auditPage, accessPage];
const SESSION_LOOK_MS = 60_000;

async function start(): Promise<void> {
  const session = await enter();
  const live = new Live();
  live.start();
  const place = h('main', { id: 'main' });
  const links = PAGES.map(({ name, title }) => h('li', {}, h('a', { href: `#/${name}`, 'data-page': name }, title)));
  const skip = h('a', { class: 'skip', href: '#main' }, 'To the content');
  skip.addEventListener('click', (event) => {
    event.preventDefault();
    place.querySelector('h1')?.focus();
  });
  replace(document.body, skip, h('header', { class: 'rail' }, h('p', { class: 'mark' }, 'sealrelay'), h('nav', { 'aria-label': 'Pages' }, h('ul', {}, ...links))), place);
  let open = new AbortController();
  const show = (isFirst: boolean): void => {
    open.abort();
    open = new AbortController();
    const [, name = '', argument = null] = /^#\/([a-z]*)(?:\/([a-z2-7]{16}))?$/.exec(location.hash) ?? [];
    const page = PAGES.find((entry) => entry.name === name) ?? overviewPage;
    document.title = `${page.title} – sealrelay`;
    for (const entry of document.querySelectorAll('[data-page]')) {
      if (entry.getAttribute('data-page') === page.name) entry.setAttribute('aria-current', 'page');
      else entry.removeAttribute('aria-current');
    }
    void page.show({ place, signal: open.signal, live, session, argument });
    window.scrollTo(0, 0);
    if (!isFirst) place.querySelector('h1')?.focus();
  };
  window.addEventListener('hashchange', () => show(false));
  show(true);
  watchSession();
}

/** Resolves once somebody is signed in. */
async function enter(): Promise<SessionState> {
  let why: string | null = null;
  const used = await useLink().catch((error: unknown) => {
    why = error instanceof Error ? error.message : String(error);
    return null;
  });
  if (used !== null) return used;
  const session = await get<SessionState>('session');
  return session.signedIn ? session : await showSignIn(document.body, session, why);
}

/** A session that ended leaves nothing on the screen. */
function watchSession(): void {
  setInterval(() => {
    get<SessionState>('session').then(
      ({ signedIn }) => (signedIn ? undefined : location.reload()),
      () => undefined,
    );
  }, SESSION_LOOK_MS);
}

start().catch((error: unknown) => replace(document.body, h('main', { class: 'alone' }, h('h1', {}, 'sealrelay'), h('p', { role: 'alert' }, error instanceof Error ? error.message : String(error)))));
