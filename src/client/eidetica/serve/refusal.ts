// Why a request is not answered with what it asks for. What was understood is refused in the words of the protocol, with status 200, as the
// original does it; where no request was read there is a status of HTTP and a text.

/** `said` is in the protocol; the others are numbers of HTTP. */
export type RefusalStatus = 'said' | 400 | 401 | 404 | 405 | 408 | 413 | 415 | 422 | 429 | 500 | 503;

/** Longest text of a refusal, in characters: what a request is quoted with is cut. */
const WORDS_CHARS_MAX = 512;

/** Why a request is not answered with what it asks for. */
export class Refusal extends Error {
  readonly status: RefusalStatus;
  /** Seconds after which trying again can help; null where it cannot. */
  readonly retrySecs: number | null;

  constructor(status: RefusalStatus, words: string, retrySecs: number | null = null) {
    super(words.slice(0, WORDS_CHARS_MAX));
    this.name = 'Refusal';
    [this.status, this.retrySecs] = [status, retrySecs];
  }
}

/** A refusal in the protocol's own words. */
export function said(words: string): Refusal {
  return new Refusal('said', words);
}
