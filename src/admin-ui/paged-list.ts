// A list of which the relay gives a page at a time, with the way forth and back.
import { get } from './api.js';
import { button, h, replace } from './dom.js';
import { heading, trouble } from './parts.js';

const PAGE = 50;

interface PagedList<T> {
  readonly place: HTMLElement;
  readonly signal: AbortSignal;
  /** Of the admin API. */
  readonly path: string;
  readonly title: string;
  readonly lead: string;
  /** What the pages are of, in words. */
  readonly pagesOf: string;
  /** The parts of one page; `again` shows it anew. */
  readonly parts: (page: T, at: { readonly isFirst: boolean; readonly again: () => void }) => readonly (HTMLElement | null)[];
}

export async function showPagedList<T extends { readonly next: string | null }>(list: PagedList<T>): Promise<void> {
  const { place, signal, path, title, lead, pagesOf, parts } = list;
  const body = h('div', { 'aria-live': 'polite' });
  /** Where each page that was seen begins. */
  const starts: (string | null)[] = [null];
  const show = async (): Promise<void> => {
    const after = starts.at(-1) ?? null;
    try {
      const page = await get<T>(`${path}?limit=${PAGE}${after === null ? '' : `&after=${after}`}`, signal);
      replace(body, ...parts(page, { isFirst: starts.length === 1, again: () => void show() }), pager(page.next));
    } catch (error) {
      if (!signal.aborted) replace(body, trouble(error));
    }
  };
  const pager = (next: string | null): HTMLElement | null => {
    if (next === null && starts.length === 1) return null;
    const back = button('Previous', () => void (starts.pop(), show()), { disabled: starts.length === 1 });
    const forth = button('Next', () => void (starts.push(next), show()), { disabled: next === null });
    return h('nav', { class: 'pager', 'aria-label': `Pages of ${pagesOf}` }, back, h('span', {}, `Page ${starts.length}`), forth);
  };
  replace(place, heading(title, lead, button('Refresh', () => void show())), body);
  await show();
}
