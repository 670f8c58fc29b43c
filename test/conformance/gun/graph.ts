// Messages of GUN as a peer writes them, and a peer that knows which answers it waits for.
import { randomBytes } from 'node:crypto';
import { type Peer, withPeers } from '../socket.js';

export type Value = string | number | boolean | null | { readonly '#': string };
export type Graph = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface Heard {
  readonly '#'?: string;
  readonly '@'?: string;
  readonly ok?: unknown;
  readonly err?: string;
  readonly put?: Graph;
  readonly dam?: string;
  readonly pid?: string;
  readonly get?: { readonly '#': string };
}

/** As long and as random as those of stock peers. */
export const newId = (): string => randomBytes(7).toString('base64url').replaceAll(/[-_]/g, 'x').slice(0, 9);
export const newSoul = (): string => `soul/${newId()}`;

export function node(soul: string, values: Readonly<Record<string, Value>>, state: number): Graph {
  const states = Object.fromEntries(Object.keys(values).map((key) => [key, state]));
  return { [soul]: { _: { '#': soul, '>': states }, ...values } };
}

export class GraphPeer {
  readonly #peer: Peer;
  readonly #kept: Heard[] = [];

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  say(message: unknown): void {
    this.#peer.say(message);
  }

  put(graph: Graph, id = newId()): string {
    this.say({ '#': id, put: graph });
    return id;
  }

  get(get: unknown, more: object = {}, id = newId()): string {
    this.say({ '#': id, get, ...more });
    return id;
  }

  /** The first message that fits, now or later; what does not fit is kept for others. */
  async first(fits: (heard: Heard) => boolean): Promise<Heard> {
    const at = this.#kept.findIndex((heard) => fits(heard));
    if (at >= 0) return this.#kept.splice(at, 1)[0]!;
    for (;;) {
      for (const heard of messagesOf(await this.#peer.json())) {
        if (fits(heard)) return heard;
        this.#kept.push(heard);
      }
    }
  }

  answerTo(id: string): Promise<Heard> {
    return this.first((heard) => heard['@'] === id);
  }

  /** Puts, and waits until it is stored. */
  async stored(graph: Graph): Promise<void> {
    const answer = await this.answerTo(this.put(graph));
    if (answer.err !== undefined || !answer.ok) throw new Error(`not stored: ${answer.err}`);
  }

  /** Everything a get answers, until `enough` properties are there. */
  async read(get: unknown, enough: number, more: object = {}): Promise<Graph> {
    const id = this.get(get, more);
    const graph: Record<string, Record<string, unknown>> = {};
    const size = (): number => Object.values(graph).reduce((sum, values) => sum + Object.keys(values).length, 0);
    do {
      const { put } = await this.answerTo(id);
      if (put === undefined) break;
      for (const [soul, values] of Object.entries(put)) {
        const { _: _meta, ...own } = values;
        graph[soul] = { ...graph[soul], ...own };
      }
    } while (size() < enough);
    return graph;
  }

  /** What is said while nothing should be, but greetings, heartbeats, and what others seek. */
  async during(ms?: number): Promise<readonly Heard[]> {
    const said = await this.#peer.during(ms);
    const heard = said.flatMap((text) => messagesOf(JSON.parse(String(text))));
    return [...this.#kept.splice(0), ...heard].filter(({ dam, get }) => get === undefined && (dam === undefined || dam === '!'));
  }
}

function messagesOf(json: unknown): readonly Heard[] {
  return (Array.isArray(json) ? json : [json]) as readonly Heard[];
}

export function withGraphs(url: URL, peers: number, run: (...peers: readonly GraphPeer[]) => Promise<void>): Promise<void> {
  // Given as the address of the peer itself, or of the relay.
  const path = url.pathname === '/' ? `/gun${url.search}` : `${url.pathname}${url.search}`;
  return withPeers(url, Array.from({ length: peers }, () => path), (...open) => run(...open.map((peer) => new GraphPeer(peer))));
}
