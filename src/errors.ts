// The one error class of the relay's TypeScript side: a stable code, whether trying again can help, and what to do.

export interface RelayErrorOptions {
  /** True when the same request may succeed later without a change. */
  readonly temporary?: boolean;
  /** One sentence for the person who can fix it. */
  readonly hint?: string | null;
  readonly cause?: unknown;
}

/** An error with a code that callers may branch on; `hint` names the fix where there is one. */
export class RelayError extends Error {
  readonly code: string;
  readonly temporary: boolean;
  readonly hint: string | null;

  constructor(code: string, message: string, options: RelayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RelayError';
    this.code = code;
    this.temporary = options.temporary ?? false;
    this.hint = options.hint ?? null;
  }
}
