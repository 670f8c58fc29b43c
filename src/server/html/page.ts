// The frame of a page: no script, one style sheet, light or dark as the reader's system is, readable from 320 px on.
import { createHash } from 'node:crypto';
import { html, raw, type Html } from './html.js';
import { STYLE } from './style.js';

export interface PageParts {
  readonly title: string;
  readonly body: Html;
  /** Further elements of the head. */
  readonly head?: Html;
  /** Address of the style sheet; without one the styles stand in the page, so that it can be saved as one file. */
  readonly styleHref?: string;
}

const STYLE_HASH = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

/** What a page with the styles in it may load: nothing. */
export const STANDALONE_POLICY = `default-src 'none'; style-src ${STYLE_HASH}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
/** What a page with a linked style sheet may load: that, from its own address. */
export const LINKED_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function page({ title, body, head, styleHref }: PageParts): string {
  const style = styleHref === undefined ? html`<style>${raw(STYLE)}</style>` : html`<link rel="stylesheet" href="${styleHref}">`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
${head ?? null}${style}
</head>
<body><main>${body}</main></body>
</html>
`.text;
}
