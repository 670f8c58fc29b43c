// Messages between a peer and the relay: JSON, bytes in base64.
import { fromBase64, toBase64 } from '../base64.js';
import { PEER_ID_CHARS_MAX, RELAY_MESSAGE_CHARS_MAX } from './limits.js';

export type RelayMessage =
  | { readonly type: 'joined'; readonly peerId: string }
  | { readonly type: 'left'; readonly peerId: string }
  | { readonly type: 'data'; readonly peerId: string; readonly bytes: Uint8Array }
  | { readonly type: 'error'; readonly said: string };

export function joinMessage(topic: string, peerId: string | null): string {
  return JSON.stringify({ type: 'join', topic, ...(peerId === null ? {} : { peerId }) });
}

export function dataMessage(bytes: Uint8Array): string {
  return `{"type":"data","data":"${toBase64(bytes)}"}`;
}

/** Null: nothing that means anything here. */
export function parseRelayMessage(text: string): RelayMessage | null {
  if (text.length > RELAY_MESSAGE_CHARS_MAX) return null;
  const message = parsed(text);
  if (message.get('type') === 'error') return { type: 'error', said: String(message.get('payload')).slice(0, 200) };
  const peerId = message.get('peerId') ?? '';
  if (typeof peerId !== 'string' || peerId.length > PEER_ID_CHARS_MAX) return null;
  switch (message.get('type')) {
    case 'peer-joined':
      return { type: 'joined', peerId };
    case 'peer-left':
      return { type: 'left', peerId };
    case 'data': {
      const data = message.get('data');
      const bytes = typeof data === 'string' && data !== '' ? fromBase64(data) : undefined;
      return bytes === undefined ? null : { type: 'data', peerId, bytes };
    }
    default:
      return null;
  }
}

function parsed(text: string): ReadonlyMap<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  } catch {
    return new Map();
  }
}
