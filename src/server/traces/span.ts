// Spans of the control plane: W3C Trace Context in, finished spans out.
import type { RelaySpan } from '../../native/relay-port.js';

/** A finished span, whoever made it. */
export interface FinishedSpan extends RelaySpan {
  /** Which half of the relay it is from. */
  readonly scope: 'core' | 'control-plane';
}

export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
}

/** The parent of a sampled trace; null for none, an unsampled one, and what cannot be read. */
export function parseTraceparent(header: unknown): TraceParent | null {
  const [, version, traceId = '', spanId = '', flags = '00', more] = (typeof header === 'string' && /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/.exec(header)) || [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId) || (Number.parseInt(flags, 16) & 1) === 0) return null;
  return { traceId, spanId };
}
