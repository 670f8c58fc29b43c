// Plain data (objects, lists, texts, numbers, byte strings) as bytes of JSON and back; byte strings become {"$bytes": base64}.
const BYTES = '$bytes';

/** The bytes of a value; what JSON cannot say and is no byte string is refused. */
export function encodePlainData(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(toJson(value)));
}

/** Reads what `encodePlainData` wrote. Throws on anything else. */
export function decodePlainData(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || !(BYTES in value)) return value;
    return new Uint8Array(Buffer.from(String(value[BYTES]), 'base64'));
  });
}

function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return { [BYTES]: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, toJson(field)]));
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value;
  throw new TypeError(`a ${typeof value} is no plain data`);
}
