// What clients of two foreign protocols store, without the clients: one change over HTTP, one node over a WebSocket.
import { WebSocket } from 'ws';

let changes = 0;

/** Pushes one change of Graceful Books; the status. */
export async function pushChange(port: number, token: string | null, payload: string): Promise<number> {
  changes += 1;
  const change = { id: `c${changes}`, entity_type: 'T', entity_id: `e${changes}`, operation: 'CREATE', encrypted_payload: payload, version_vector: { d: 1 }, timestamp: Date.now() };
  const response = await fetch(`http://127.0.0.1:${port}/sync/push`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ device_id: 'd', changes: [change] }),
  });
  await response.arrayBuffer();
  return response.status;
}

/** Puts one value of GUN; what the relay says of it: null when it is stored. */
export async function putValue(port: number, token: string, value: string): Promise<unknown> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/gun?t=${encodeURIComponent(token)}`);
  try {
    await new Promise<void>((resolve, reject) => socket.once('open', () => resolve()).once('error', reject).once('close', () => reject(new Error('closed'))));
    const answer = new Promise<unknown>((resolve, reject) => {
      socket.once('close', () => reject(new Error('closed')));
      socket.on('message', (data) => {
        for (const said of [JSON.parse(String(data)) as unknown].flat()) if (isAnswer(said)) resolve(said.err ?? null);
      });
    });
    changes += 1;
    socket.send(JSON.stringify({ '#': 'put1', put: { s: { _: { '#': 's', '>': { k: changes } }, k: value } } }));
    return await answer;
  } finally {
    socket.terminate();
  }
}

function isAnswer(said: unknown): said is { readonly err?: unknown } {
  return typeof said === 'object' && said !== null && '@' in said && said['@'] === 'put1';
}

/** Sends the first entry of a new tree of Eidetica; the answer. */
export async function sendRoot(port: number, token: string, data: string): Promise<unknown> {
  const entry = { tree: { root: '', parents: [], metadata: null }, subtrees: [{ name: '_root', parents: [], data }], sig: { sig: null, key: '' } };
  const response = await fetch(`http://127.0.0.1:${port}/api/v0`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ SendEntries: [entry] }),
  });
  return await response.json();
}
