// Parts that several pages are made of: tables, facts, notes, empty states, pseudonyms.
import { ApiError } from './api.js';
import { h, type Child } from './dom.js';

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => Child;
  /** Figures stand at the right, in digits of one width. */
  readonly isFigure?: boolean;
}

/** A table that becomes a list of cards on a narrow screen; roles keep it a table for screen readers. */
export function table<T>(caption: string, columns: readonly Column<T>[], rows: readonly T[]): HTMLTableElement {
  const head = columns.map(({ title, isFigure }) => h('th', { scope: 'col', role: 'columnheader', class: isFigure === true ? 'figure-cell' : null }, title));
  const body = rows.map((row) =>
    h('tr', { role: 'row' }, ...columns.map(({ title, cell, isFigure }) => h('td', { role: 'cell', 'data-title': title, class: isFigure === true ? 'figure-cell' : null }, cell(row)))),
  );
  return h(
    'table',
    { role: 'table' },
    h('caption', {}, caption),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, ...head)),
    h('tbody', { role: 'rowgroup' }, ...body),
  );
}

/** Names and values. */
export function facts(rows: readonly (readonly [string, Child])[]): HTMLElement {
  return h('dl', { class: 'facts' }, ...rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

/** A text in which backticks stand around code. */
export function prose(text: string): HTMLElement {
  return h('span', {}, ...text.split('`').map((part, index) => (index % 2 === 1 ? h('code', {}, part) : part)));
}

/** What a page shows when there is nothing to show: what would be here, and when. */
export function empty(title: string, ...text: readonly Child[]): HTMLElement {
  return h('div', { class: 'empty' }, h('p', { class: 'empty-title' }, title), h('p', {}, ...text));
}

export function note(kind: 'plain' | 'warning' | 'good', ...text: readonly Child[]): HTMLElement {
  return h('p', { class: `note note-${kind}` }, ...text);
}

/** What went wrong, and a way to try again. */
export function trouble(error: unknown): HTMLElement {
  const said = error instanceof ApiError ? error.message : 'The relay did not answer. It may have been stopped.';
  return h('p', { class: 'note note-warning', role: 'alert' }, said);
}

/** Shown in full and in groups of four, so that it can be compared by eye. */
export function pseudonym(text: string): HTMLElement {
  const groups = text.match(/.{1,4}/g) ?? [];
  return h('span', { class: 'pseudonym' }, ...groups.map((group) => h('span', {}, group)));
}

export function link(href: string, ...children: readonly Child[]): HTMLAnchorElement {
  return h('a', { href }, ...children);
}

export function spaceLink(text: string): HTMLElement {
  return link(`#/spaces/${text}`, pseudonym(text));
}

/** The heading of a page with what can be done there; it takes the focus when the page opens. */
export function heading(title: string, lead: Child, ...actions: readonly Child[]): HTMLElement {
  return h('header', { class: 'page-head' }, h('div', {}, h('h1', { tabindex: '-1' }, title), lead === null ? null : h('p', { class: 'lead' }, lead)), actions.length === 0 ? null : h('div', { class: 'actions' }, ...actions));
}
