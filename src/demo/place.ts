// Where the relay of this page is, and the link of the space the page shows: its secret stays behind the `#`, which no browser sends.
import { createSpace } from '../client/index.js';

const SECRET_FIELD = 's';

/** The address of the relay that served this page, reached the way the page was. */
export async function relayOfPage(): Promise<string> {
  const response = await fetch('/demo/relay', { cache: 'no-store' });
  if (!response.ok) throw new Error(`the relay answered ${response.status}`);
  const { address }: { address: string } = await response.json();
  const { protocol, hostname, port } = location;
  const tls = protocol === 'https:';
  const [, fragment = ''] = address.split('#');
  return `sealrelay://${hostname}:${port === '' ? (tls ? 443 : 80) : port}/?tls=${tls ? 'on' : 'off'}#${fragment}`;
}

/** The space in the address bar; without one a new space, which is put there, so that a reload comes back to it. */
export async function linkOfPage(relay: string): Promise<{ readonly link: string; readonly isNew: boolean }> {
  const secret = new URLSearchParams(location.hash.slice(1)).get(SECRET_FIELD);
  if (secret !== null && /^[\w-]{43}$/.test(secret)) return { link: `${relay}&${SECRET_FIELD}=${secret}`, isNew: false };
  const space = await createSpace({ relay, offline: true });
  const [, made = ''] = (space.link ?? '').split('#');
  await space.close();
  const fresh = new URLSearchParams(made).get(SECRET_FIELD) ?? '';
  history.replaceState(null, '', `#${SECRET_FIELD}=${fresh}`);
  return { link: `${relay}&${SECRET_FIELD}=${fresh}`, isNew: true };
}

/** Goes on with an empty page. */
export function startAnew(): void {
  history.replaceState(null, '', location.pathname);
  location.reload();
}
