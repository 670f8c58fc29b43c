// What a command may touch of the process, passed in so that tests can look.

export interface CliIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** True when stdout is a terminal. */
  readonly isTerminal: boolean;
  /** One or more lines for the person or program at stdout. */
  readonly print: (text: string) => void;
  /** One or more lines for stderr. */
  readonly printError: (text: string) => void;
}
