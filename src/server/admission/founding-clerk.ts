// Takes the foundings that wait in the core, has them judged, and always answers: what takes too long or fails lets nobody in.
import type { FastifyBaseLogger } from 'fastify';
import type { RelayPort } from '../../native/relay-port.js';
import type { FoundingJudge, FoundingVerdict, TokenReader } from './founding-judge.js';

/** Below the time a handshake may take, so that the device is told. */
const JUDGE_MS_MAX = 5000;
const UNAVAILABLE: FoundingVerdict = { kind: 'unavailable' };

type FoundingPort = Pick<RelayPort, 'drainFoundings' | 'answerFounding'>;

export class FoundingClerk {
  readonly #judge: FoundingJudge;
  readonly #logger: Pick<FastifyBaseLogger, 'error'>;
  readonly #reader: TokenReader | null;

  /** Without a reader nobody can say whom a token names. */
  constructor(judge: FoundingJudge, logger: Pick<FastifyBaseLogger, 'error'>, reader: TokenReader | null = null) {
    this.#judge = judge;
    this.#logger = logger;
    this.#reader = reader;
  }

  /** Takes what waits; the core lets no more than 256 wait. */
  work(port: FoundingPort): void {
    for (const { id, token, claim } of port.drainFoundings()) {
      void this.#verdict(token, claim).then((verdict) => port.answerFounding(id, said(verdict)));
    }
  }

  async #verdict(token: string, claim: string | null): Promise<FoundingVerdict> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<FoundingVerdict>((resolve) => {
      timer = setTimeout(() => resolve(UNAVAILABLE), JUDGE_MS_MAX);
    });
    try {
      const said = claim === null ? this.#reader?.recognise(token) : this.#judge.judge(token, claim);
      return await Promise.race([said ?? UNAVAILABLE, limit]);
    } catch (error) {
      // The error is about files and networks; tokens are in none of them.
      this.#logger.error({ err: error }, 'a founding could not be judged');
      return UNAVAILABLE;
    } finally {
      clearTimeout(timer);
    }
  }
}

function said(verdict: FoundingVerdict): Parameters<RelayPort['answerFounding']>[1] {
  const { used, allowed } = verdict.kind === 'exceeded' ? verdict : { used: 0, allowed: 0 };
  return { verdict: verdict.kind, used, allowed, tenant: verdict.kind === 'admitted' ? verdict.tenant : null };
}
