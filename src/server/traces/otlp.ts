// Spans as an OTLP/HTTP JSON request (opentelemetry-proto, ExportTraceServiceRequest). Attributes are few and fixed, so that no
// id, address or path a client chose can become one.
import type { FinishedSpan } from './span.js';

const KIND_SERVER = 2;
const STATUS_ERROR = 2;

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly intValue: string };
}

export interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string; readonly version: string }; readonly spans: readonly object[] }[];
  }[];
}

/** One request for a batch of spans. */
export function exportRequest(spans: readonly FinishedSpan[], version: string): ExportRequest {
  const scopes = (['core', 'control-plane'] as const).flatMap((scope) => {
    const own = spans.filter((span) => span.scope === scope);
    return own.length === 0 ? [] : [{ scope: { name: `sealrelay/${scope}`, version }, spans: own.map(otlpSpan) }];
  });
  const attributes = [text('service.name', 'sealrelay'), text('service.version', version)];
  return { resourceSpans: [{ resource: { attributes }, scopeSpans: scopes }] };
}

function otlpSpan(span: FinishedSpan): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === null ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: KIND_SERVER,
    startTimeUnixNano: nanos(span.startUs),
    endTimeUnixNano: nanos(span.endUs),
    attributes: [{ key: 'http.response.status_code', value: { intValue: String(span.status) } }],
    ...(span.status >= 500 ? { status: { code: STATUS_ERROR } } : {}),
  };
}

function nanos(micros: number): string {
  return `${micros}000`;
}

function text(key: string, value: string): Attribute {
  return { key, value: { stringValue: value } };
}
