// What the three formats of a configuration file have in common once they are parsed: keys and values with their places.

export interface Spot {
  readonly line: number;
  readonly column: number;
}

export type FileNode =
  | { readonly kind: 'map'; readonly items: readonly FileItem[] }
  | { readonly kind: 'list'; readonly value: readonly unknown[] }
  | { readonly kind: 'scalar'; readonly text: string };

export interface FileItem {
  /** May hold dots, which say the same as nesting. */
  readonly key: string;
  readonly keySpot: Spot;
  readonly node: FileNode;
  readonly valueSpot: Spot;
}

/** Something that is no well-formed document. */
export interface SyntaxProblem {
  readonly spot: Spot;
  /** A clause without full stop. */
  readonly message: string;
  /** A sentence. */
  readonly hint: string;
}

export interface ParsedFile {
  readonly items: readonly FileItem[];
  readonly problems: readonly SyntaxProblem[];
}
