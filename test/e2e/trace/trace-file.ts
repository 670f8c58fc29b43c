// A keystroke trace: {startContent, endContent, txns: [{patches: [[position, deleted, inserted], …]}]}, gzipped JSON.
// Positions and counts are in code points.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** One edit: at `position` (code points) delete `deleted` code points, then insert `inserted`. */
export type Patch = readonly [position: number, deleted: number, inserted: string];

export interface Trace {
  readonly startContent: string;
  readonly endContent: string;
  /** All patches of all transactions, in order. */
  readonly patches: readonly Patch[];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isPatch(value: unknown): value is Patch {
  return (
    Array.isArray(value) &&
    value.length === 3 &&
    Number.isSafeInteger(value[0]) &&
    Number.isSafeInteger(value[1]) &&
    value[0] >= 0 &&
    value[1] >= 0 &&
    typeof value[2] === 'string'
  );
}

function stringField(trace: Record<string, unknown>, name: string): string {
  const value = trace[name];
  if (typeof value !== 'string') throw new Error(`not a trace: "${name}" must be a string`);
  return value;
}

function patchesOf(txn: unknown, index: number): readonly Patch[] {
  const patches: unknown = isRecord(txn) ? txn['patches'] : undefined;
  if (!Array.isArray(patches)) throw new Error(`not a trace: txns[${index}].patches must be a list`);
  return patches.map((patch: unknown, at) => {
    if (!isPatch(patch)) throw new Error(`not a trace: txns[${index}].patches[${at}] must be [position, deleted, inserted]`);
    return patch;
  });
}

/** Parses a trace from JSON text. Throws an Error that names the field at fault. */
export function parseTrace(text: string): Trace {
  const parsed: unknown = JSON.parse(text);
  if (!isRecord(parsed)) throw new Error('not a trace: the file must hold one JSON object');
  const txns = parsed['txns'];
  if (!Array.isArray(txns)) throw new Error('not a trace: "txns" must be a list');
  return {
    startContent: stringField(parsed, 'startContent'),
    endContent: stringField(parsed, 'endContent'),
    patches: txns.flatMap((txn: unknown, index) => patchesOf(txn, index)),
  };
}

/** Reads a trace file, gzipped or plain. */
export function readTrace(path: string): Trace {
  const bytes = readFileSync(path);
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return parseTrace((gzipped ? gunzipSync(bytes) : bytes).toString('utf8'));
}
