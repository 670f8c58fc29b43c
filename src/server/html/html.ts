// HTML that cannot be broken out of: every value put into a template is escaped, unless it is a piece of HTML made here.

/** A piece of HTML. Only `html` and `raw` make one. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Html | readonly Value[] | null;

/** A template; strings in it are escaped, lists joined, null left out. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.map((part, place) => (place === 0 ? part : textOf(values[place - 1] ?? null) + part)).join(''));
}

/** Text that is HTML already: styles and other constants of the source. */
export function raw(text: string): Html {
  return new Html(text);
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}

function textOf(value: Value): string {
  if (value === null) return '';
  if (value instanceof Html) return value.text;
  return Array.isArray(value) ? value.map((each: Value) => textOf(each)).join('') : escapeHtml(String(value));
}
