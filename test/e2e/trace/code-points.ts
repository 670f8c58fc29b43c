// Yjs counts UTF-16 code units, traces count code points. They differ only by the characters outside the basic plane,
// so it is enough to know where those are.

/** Where the two-unit characters of a growing text are, in code points, ascending. */
export class CodePointIndex {
  #astral: number[] = [];

  constructor(text: string) {
    this.#astral = astralPositions(text);
  }

  /** The UTF-16 offset of a code point position. */
  utf16(position: number): number {
    return position + lowerBound(this.#astral, position);
  }

  /** Follows one edit: `deleted` code points go at `position`, then `inserted` comes in. */
  replace(position: number, deleted: number, inserted: string): void {
    const from = lowerBound(this.#astral, position);
    const to = lowerBound(this.#astral, position + deleted);
    const added = astralPositions(inserted);
    const shift = codePointLength(inserted) - deleted;
    if (this.#astral.length === 0 && added.length === 0) return;
    this.#astral = [
      ...this.#astral.slice(0, from),
      ...added.map((at) => at + position),
      ...this.#astral.slice(to).map((at) => at + shift),
    ];
  }
}

/** Number of code points of a text. */
export function codePointLength(text: string): number {
  return text.length - astralPositions(text).length;
}

function astralPositions(text: string): number[] {
  const positions: number[] = [];
  let position = 0;
  for (let at = 0; at < text.length; at += 1, position += 1) {
    if ((text.codePointAt(at) ?? 0) > 0xffff) {
      positions.push(position);
      at += 1;
    }
  }
  return positions;
}

function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
