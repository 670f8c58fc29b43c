// A text area that shows a Y.Text: what is typed becomes one insertion and one deletion, and what others typed moves the caret along.
import type { Text as YText, YTextEvent } from 'yjs';

/** Binds until the returned function is called. */
export function bindText(area: HTMLTextAreaElement, text: YText): () => void {
  let shown = text.toString();
  area.value = shown;
  const typed = (): void => {
    const { start, deleted, inserted } = difference(shown, area.value);
    shown = area.value;
    text.doc?.transact(() => {
      if (deleted > 0) text.delete(start, deleted);
      if (inserted !== '') text.insert(start, inserted);
    }, area);
  };
  const changed = ({ delta, transaction }: YTextEvent): void => {
    if (transaction.origin === area) return;
    const caret = [area.selectionStart, area.selectionEnd].map((at) => moved(at, delta));
    shown = text.toString();
    area.value = shown;
    if (document.activeElement === area) area.setSelectionRange(caret[0] ?? 0, caret[1] ?? 0);
  };
  area.addEventListener('input', typed);
  text.observe(changed);
  return () => {
    area.removeEventListener('input', typed);
    text.unobserve(changed);
  };
}

interface Difference {
  readonly start: number;
  readonly deleted: number;
  readonly inserted: string;
}

/** What turns one text into the other, in one place. */
export function difference(before: string, after: string): Difference {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  // A pair of surrogates is one character and is not torn.
  if (isTrail(before.charCodeAt(start)) || isTrail(after.charCodeAt(start))) start = Math.max(0, start - 1);
  if (end > 0 && (isTrail(before.charCodeAt(before.length - end)) || isTrail(after.charCodeAt(after.length - end)))) end -= 1;
  return { start, deleted: before.length - end - start, inserted: after.slice(start, after.length - end) };
}

function isTrail(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

/** Where a caret is after a change by somebody else. */
export function moved(caret: number, delta: YTextEvent['delta']): number {
  let at = 0;
  let to = caret;
  for (const { retain, insert, delete: deleted } of delta) {
    if (retain !== undefined) at += retain;
    else if (typeof insert === 'string') {
      if (at < to) to += insert.length;
      at += insert.length;
    } else if (deleted !== undefined && at < to) to = Math.max(at, to - deleted);
  }
  return to;
}
