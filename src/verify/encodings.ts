// The forms in which a secret could turn up at a relay, as bytes to look for.

/** One form of one secret. */
export interface EncodedForm {
  readonly encoding: string;
  readonly bytes: Uint8Array;
  /** Bytes of this form that stand for one byte of the secret. */
  readonly unit: number;
}

type Encode = (raw: Buffer) => { readonly text: string | Buffer; readonly unit: number };

const hexOf = (byte: number): string => byte.toString(16).padStart(2, '0');
const each = (raw: Buffer, form: (byte: number) => string): string => [...raw].map(form).join('');

const ENCODERS: Readonly<Record<string, Encode>> = {
  raw: (raw) => ({ text: raw, unit: 1 }),
  hex: (raw) => ({ text: raw.toString('hex'), unit: 2 }),
  HEX: (raw) => ({ text: raw.toString('hex').toUpperCase(), unit: 2 }),
  percent: (raw) => ({ text: each(raw, (byte) => `%${hexOf(byte)}`), unit: 3 }),
  PERCENT: (raw) => ({ text: each(raw, (byte) => `%${hexOf(byte).toUpperCase()}`), unit: 3 }),
  json: (raw) => ({ text: each(raw, (byte) => `\\u00${hexOf(byte)}`), unit: 6 }),
  'utf-16le': (raw) => ({ text: Buffer.from(raw.toString('latin1'), 'utf16le'), unit: 2 }),
  'utf-16be': (raw) => ({ text: Buffer.from(raw.toString('latin1'), 'utf16le').swap16(), unit: 2 }),
  'base64+0': (raw) => ({ text: base64Of(raw, 0, 'base64'), unit: 4 / 3 }),
  'base64+1': (raw) => ({ text: base64Of(raw, 1, 'base64'), unit: 4 / 3 }),
  'base64+2': (raw) => ({ text: base64Of(raw, 2, 'base64'), unit: 4 / 3 }),
  'base64url+0': (raw) => ({ text: base64Of(raw, 0, 'base64url'), unit: 4 / 3 }),
  'base64url+1': (raw) => ({ text: base64Of(raw, 1, 'base64url'), unit: 4 / 3 }),
  'base64url+2': (raw) => ({ text: base64Of(raw, 2, 'base64url'), unit: 4 / 3 }),
};

/** Their names. */
export const ENCODINGS: readonly string[] = Object.keys(ENCODERS);

/** Every form of a secret; forms that look the same as an earlier one are left out. */
export function encodedForms(secret: Uint8Array): EncodedForm[] {
  const raw = Buffer.from(secret);
  const seen = new Set<string>();
  return Object.entries(ENCODERS).flatMap(([encoding, encode]) => {
    const { text, unit } = encode(raw);
    const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
    const name = bytes.toString('latin1');
    if (seen.has(name)) return [];
    seen.add(name);
    return [{ encoding, bytes, unit }];
  });
}

// Characters that depend on neighbouring bytes are cut away; what remains is the same in any surrounding.
function base64Of(raw: Buffer, alignment: number, kind: 'base64' | 'base64url'): string {
  const padded = Buffer.concat([Buffer.alloc(alignment), raw, Buffer.alloc(2)]).toString(kind);
  return padded.slice(Math.ceil((alignment * 8) / 6), Math.floor(((alignment + raw.length) * 8) / 6));
}
