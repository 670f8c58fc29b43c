// A small part of Markdown for incident notes: paragraphs, headings, lists, emphasis, code, links. Everything is escaped first,
// so nothing a note holds can become other HTML than what is made here; links lead to https, http or mail only.
import { escapeHtml, raw, type Html } from './html.js';

/** Longer notes are cut; nobody reads them on a status page. */
const MARKDOWN_CHARS_MAX = 20_000;
const LINES_MAX = 500;

export function renderMarkdown(text: string): Html {
  const out: string[] = [];
  let [paragraph, items]: [string[], string[]] = [[], []];
  const flush = (): void => {
    if (paragraph.length > 0) out.push(`<p>${inline(paragraph.join(' '))}</p>`);
    if (items.length > 0) out.push(`<ul>${items.map((item) => `<li>${inline(item)}</li>`).join('')}</ul>`);
    [paragraph, items] = [[], []];
  };
  for (const line of text.slice(0, MARKDOWN_CHARS_MAX).split(/\r?\n/).slice(0, LINES_MAX)) {
    const heading = /^(#{1,6})\s+(.+)$/.exec(line);
    const item = /^\s*[-*]\s+(.+)$/.exec(line);
    if (line.trim() === '' || heading !== null) flush();
    if (heading !== null) {
      // A note stands below a heading of the third level.
      const level = Math.min(6, (heading[1]?.length ?? 1) + 3);
      out.push(`<h${level}>${inline(heading[2] ?? '')}</h${level}>`);
    } else if (item !== null) {
      if (paragraph.length > 0) flush();
      items.push(item[1] ?? '');
    } else if (line.trim() !== '') {
      if (items.length > 0) flush();
      paragraph.push(line.trim());
    }
  }
  flush();
  return raw(out.join('\n'));
}

/** Code is set aside first, so that nothing in it is looked at again. */
function inline(text: string): string {
  const parts = text.split(/(`[^`]+`)/);
  return parts.map((part) => (part.length > 2 && part.startsWith('`') && part.endsWith('`') ? `<code>${escapeHtml(part.slice(1, -1))}</code>` : emphasis(part))).join('');
}

function emphasis(text: string): string {
  return escapeHtml(text)
    .replaceAll(/\[([^\][]{1,200})\]\(((?:https?:\/\/|mailto:)[^\s()]{1,1000})\)/g, '<a href="$2" rel="noopener nofollow">$1</a>')
    .replaceAll(/\*\*([^*]{1,500})\*\*/g, '<strong>$1</strong>')
    .replaceAll(/(^|[\s(])\*([^*]{1,500})\*(?=$|[\s).,;:!?])/g, '$1<em>$2</em>');
}
