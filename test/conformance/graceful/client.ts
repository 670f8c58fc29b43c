// A client of Graceful Books as small as the protocol: one tenant, JSON bodies, answers checked for their shape.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export interface Change {
  readonly id: string;
  readonly entity_type: string;
  readonly entity_id: string;
  readonly operation: string;
  readonly encrypted_payload: string;
  readonly version_vector: Readonly<Record<string, number>>;
  readonly timestamp: number;
  readonly device_id?: string;
}

export interface Page {
  readonly protocol_version: string;
  readonly changes: readonly Change[];
  readonly has_more: boolean;
  readonly cursor: string;
  readonly timestamp: number;
}

export interface Pushed {
  readonly success: boolean;
  readonly accepted: readonly string[];
  readonly rejected: readonly { readonly id: string; readonly reason: string }[];
  readonly timestamp: number;
}

/** A change that nobody made before. */
export function newChange(fields: Partial<Change> = {}): Change {
  const id = randomUUID();
  return {
    id,
    entity_type: 'TRANSACTION',
    entity_id: id,
    operation: 'CREATE',
    encrypted_payload: Buffer.from(`sealed ${id}`).toString('base64'),
    version_vector: { 'device-a': 1 },
    timestamp: Date.now(),
    ...fields,
  };
}

export class Tenant {
  readonly #url: URL;
  readonly token: string;

  constructor(url: URL, token: string = randomUUID()) {
    this.#url = url;
    this.token = token;
  }

  get headers(): Record<string, string> {
    return { authorization: `Bearer ${this.token}` };
  }

  async ask(method: string, path: string, body?: BodyInit): Promise<Answer> {
    const headers = { ...this.headers, 'content-type': 'application/json' };
    const answer = await fetch(new URL(path, this.#url), { method, headers, ...(body === undefined ? {} : { body, duplex: 'half' }) });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
  }

  post(path: string, body: unknown): Promise<Answer> {
    return this.ask('POST', path, JSON.stringify(body));
  }

  async push(device: string, changes: readonly unknown[], path = '/sync/push'): Promise<Pushed> {
    const { status, body } = await this.post(path, { protocol_version: '1.0.0', device_id: device, timestamp: Date.now(), changes });
    assert.equal(status, 200, JSON.stringify(body));
    const pushed = body as Pushed & { protocol_version: string };
    assert.equal(pushed.protocol_version, '1.0.0');
    assert.ok(typeof pushed.success === 'boolean' && Array.isArray(pushed.accepted) && Array.isArray(pushed.rejected) && typeof pushed.timestamp === 'number');
    return pushed;
  }

  async pull(device: string, since: number | { readonly cursor: string }, path = '/sync/pull'): Promise<Page> {
    const from = typeof since === 'number' ? { since_timestamp: since } : { since_timestamp: 0, ...since };
    const { status, body } = await this.post(path, { protocol_version: '1.0.0', device_id: device, sync_vector: { [device]: 1 }, ...from });
    assert.equal(status, 200, JSON.stringify(body));
    const page = body as Page;
    assert.equal(page.protocol_version, '1.0.0');
    assert.ok(Array.isArray(page.changes) && typeof page.has_more === 'boolean' && typeof page.timestamp === 'number');
    for (const { id, entity_type, entity_id, operation, encrypted_payload, version_vector, timestamp, device_id } of page.changes) {
      for (const text of [id, entity_type, entity_id, operation, encrypted_payload, device_id]) assert.equal(typeof text, 'string');
      assert.ok(typeof version_vector === 'object' && typeof timestamp === 'number');
    }
    return page;
  }

  /** All pages; `next` says from where the following one is asked. */
  async pullAll(device: string, next: (page: Page) => number | { readonly cursor: string }): Promise<readonly string[]> {
    const ids: string[] = [];
    let since: number | { readonly cursor: string } = 0;
    for (let pages = 0; pages < 1000; pages += 1) {
      const page = await this.pull(device, since);
      ids.push(...page.changes.map(({ id }) => id));
      if (!page.has_more) return ids;
      since = next(page);
    }
    throw new Error('the pages never end');
  }
}
