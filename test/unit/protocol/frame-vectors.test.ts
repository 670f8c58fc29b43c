import { describe, expect, it } from 'vitest';
import { decodeClientFrame, encodeClientFrame } from '../../../src/protocol/client-frame-codec.js';
import type { ClientFrame } from '../../../src/protocol/client-frame.js';
import { FrameError } from '../../../src/protocol/frame-error.js';
import { FRAME_TYPE } from '../../../src/protocol/frame-type.js';
import { toHex } from '../../../src/protocol/hex.js';
import { decodeRelayFrame, encodeRelayFrame } from '../../../src/protocol/relay-frame-codec.js';
import type { RelayFrame } from '../../../src/protocol/relay-frame.js';
import { hex, vectors } from './vectors.js';

interface Accepted {
  readonly description: string;
  readonly from: 'client' | 'relay';
  readonly name: string;
  readonly number: number;
  readonly fields: unknown;
  readonly hex: string;
}

interface Refused {
  readonly description: string;
  readonly from: 'client' | 'relay';
  readonly error: string;
  readonly code: string;
  readonly hex: string;
}

const accepted = vectors<{ frames: Accepted[] }>('frames').frames;
const refused = vectors<{ frames: Refused[] }>('frames-refused').frames;

const STATUS: Readonly<Record<string, number>> = { stored: 0, duplicate: 1, forgotten: 2 };
const KIND: Readonly<Record<string, number>> = { sealed: 0, own: 1 };
const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

// What the vectors call differently: flags are bits there, and enumerated fields are numbers.
function field(name: string, value: unknown): [string, unknown] {
  if (name === 'omitOwnBodies' || name === 'more') return ['flags', value === true ? 1 : 0];
  if (name === 'stored') return ['state', value === true ? 1 : 0];
  if (name === 'pushSeqBound') return ['push_seq_bound', value === true ? 1 : 0];
  if (name === 'features') return ['features', (value as bigint).toString(16).padStart(16, '0')];
  if (name === 'status') return ['status', STATUS[String(value)]];
  if (name === 'kind') return ['kind', KIND[String(value)]];
  if (name === 'limits') return ['session_limits', plain(value)];
  if (name === 'bytes' && value instanceof Uint8Array) return ['chunk', plain(value)];
  if (typeof value === 'boolean') return [snake(name), value ? 1 : 0];
  return [snake(name), plain(value)];
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => field(name, inner)));
}

function documented(frame: ClientFrame | RelayFrame): unknown {
  const { type, ...fields } = frame;
  const absent = type === 'Receipt' && !('proof' in fields) ? { proof: null } : {};
  return plain({ ...fields, ...absent });
}

const decode = (from: string, message: Uint8Array): ClientFrame | RelayFrame => (from === 'client' ? decodeClientFrame(message) : decodeRelayFrame(message));

describe('frame vectors', () => {
  it.each(accepted)('$from $name: $description', ({ from, name, number, fields, hex: text }) => {
    const message = hex(text);
    expect(FRAME_TYPE[name as keyof typeof FRAME_TYPE]).toBe(number);
    const frame = decode(from, message);
    expect(frame.type).toBe(name);
    expect(documented(frame)).toEqual(fields);
    const encoded = from === 'client' ? encodeClientFrame(decodeClientFrame(message)) : encodeRelayFrame(decodeRelayFrame(message));
    expect(toHex(encoded)).toBe(text);
  });

  it('there is one for every frame', () => {
    expect(new Set(accepted.map(({ name }) => name))).toEqual(new Set(Object.keys(FRAME_TYPE)));
  });

  it.each(refused)('$from: $description is $error', ({ from, code, hex: text }) => {
    let error: unknown;
    try {
      decode(from, hex(text));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(FrameError);
    expect(error).toMatchObject({ code });
  });

  it('every proper prefix and every extension of an accepted message is refused', () => {
    for (const { from, hex: text } of accepted) {
      const message = hex(text);
      for (let length = 0; length < message.length; length += 1) expect(() => decode(from, message.subarray(0, length))).toThrow(FrameError);
      expect(() => decode(from, Uint8Array.from([...message, 0]))).toThrow(FrameError);
    }
  });
});
