// A way from one engine to another in the same process, without a network: what a transport and a listener have to do, and no more.
import { ClientError } from '../../../../src/client/client-error.js';
import type { EideticaSync } from '../../../../src/client/eidetica/eidetica-sync.js';
import { Refusal } from '../../../../src/client/eidetica/serve/refusal.js';
import type { IncomingRequest } from '../../../../src/client/eidetica/serve/sync-handler.js';
import type { Prove, SyncTransport } from '../../../../src/client/eidetica/transport.js';
import type { Address, SyncRequest } from '../../../../src/client/eidetica/wire.js';

export const directAddress = (name: string): Address => ({ transport_type: 'direct', address: name });

export class DirectTransport implements SyncTransport {
  /** Who can be reached, by name. */
  readonly engines = new Map<string, EideticaSync>();
  readonly requests: SyncRequest[] = [];
  /** What both ends know of a way; each end may be made to see another one. */
  channel: { ours: Uint8Array; theirs: Uint8Array } = { ours: new Uint8Array(), theirs: new Uint8Array() };
  /** Changes a request on its way. */
  twist: (incoming: Omit<IncomingRequest, 'read'>, body: Uint8Array) => { incoming: Omit<IncomingRequest, 'read'>; body: Uint8Array } = (incoming, body) => ({ incoming, body });
  isAway = false;

  canReach({ transport_type }: Address): boolean {
    return transport_type === 'direct';
  }

  channelTo(): Uint8Array {
    return this.channel.ours;
  }

  async send({ address }: Address, request: SyncRequest, prove?: Prove): Promise<unknown> {
    const engine = this.engines.get(address);
    if (engine === undefined || this.isAway) throw new ClientError('peer_unreachable', 'the peer could not be reached', { temporary: true });
    this.requests.push(request);
    const sent = new TextEncoder().encode(JSON.stringify(request));
    const proof = prove === undefined ? null : await prove(sent, this.channel.ours);
    const { incoming, body } = this.twist({ transport: 'direct', from: 'us', proof, token: null, channel: this.channel.theirs }, sent);
    return answerOf(engine, { ...incoming, body });
  }
}

/** What an engine answers to a body, as it comes to who asked. */
export async function answerOf(engine: EideticaSync, { body, ...incoming }: Partial<IncomingRequest> & { readonly body: Uint8Array | object }): Promise<unknown> {
  const bytes = body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body));
  const request: IncomingRequest = { transport: 'direct', from: 'us', proof: null, token: null, channel: new Uint8Array(), read: async (visit) => (visit.take(bytes.length), bytes), ...incoming };
  try {
    return JSON.parse(await engine.handler.answer(request)) as unknown;
  } catch (cause) {
    if (cause instanceof Refusal && cause.status === 'said') return { Error: cause.message };
    throw cause;
  }
}
